//! The table and the ratios, as text and as JSON: the median over runs, with the least and the most.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::goals::{self, Figure, Goal};

/// One measurement of one run. Times are in microseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Measure {
    pub per_second: u64,
    pub p50_us: u64,
    pub p99_us: u64,
    pub p999_us: u64,
    pub max_us: u64,
    pub server_cpu_us: Option<u64>,
    pub database_cpu_us: Option<u64>,
    pub bytes: Option<u64>,
    /// What the server's resident memory came to, above that of an idle one.
    pub above_idle_kib: Option<u64>,
}

/// All measurements by name, in the order of the first run.
#[derive(Default)]
pub struct Report {
    names: Vec<String>,
    measures: BTreeMap<String, Vec<Measure>>,
}

/// Thousandths, so that ratios need no float.
pub type Milli = u64;

/// A ratio of medians, or a figure, with its goal if it has one.
struct Compared {
    title: String,
    ratio: Milli,
    goal: Option<Goal>,
}

impl Measure {
    pub fn of(histogram: &Histogram<u64>, elapsed: Duration) -> Self {
        let elapsed_us = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX).max(1);
        Self {
            per_second: histogram.len() * 1_000_000 / elapsed_us,
            p50_us: histogram.value_at_quantile(0.5),
            p99_us: histogram.value_at_quantile(0.99),
            p999_us: histogram.value_at_quantile(0.999),
            max_us: histogram.max(),
            ..Self::default()
        }
    }
}

impl Report {
    pub fn add(&mut self, name: &str, measure: Measure) {
        eprintln!("  {name}: {} a second, p50 {} us", measure.per_second, measure.p50_us);
        if !self.measures.contains_key(name) {
            self.names.push(name.to_owned());
        }
        self.measures.entry(name.to_owned()).or_default().push(measure);
    }

    pub fn print(&self) {
        println!(
            "{:54} {:>9} {:>17} {:>8} {:>8} {:>8} {:>9} {:>7} {:>7} {:>6} {:>8}",
            "measure",
            "per s",
            "least - most",
            "p50 us",
            "p99 us",
            "p99.9 us",
            "max us",
            "srv us",
            "db us",
            "bytes",
            "more KiB"
        );
        for name in &self.names {
            let of = |field: fn(&Measure) -> u64| self.median(name, field);
            let optional = |field: fn(&Measure) -> Option<u64>| {
                let median = self.median(name, |measure| field(measure).unwrap_or_default());
                if self.measures[name].iter().any(|measure| field(measure).is_some()) {
                    median.to_string()
                } else {
                    "-".to_owned()
                }
            };
            let (least, most) = self.spread(name);
            println!(
                "{name:54} {:>9} {:>17} {:>8} {:>8} {:>8} {:>9} {:>7} {:>7} {:>6} {:>8}",
                of(|measure| measure.per_second),
                format!("{least} - {most}"),
                of(|measure| measure.p50_us),
                of(|measure| measure.p99_us),
                of(|measure| measure.p999_us),
                of(|measure| measure.max_us),
                optional(|measure| measure.server_cpu_us),
                optional(|measure| measure.database_cpu_us),
                optional(|measure| measure.bytes),
                optional(|measure| measure.above_idle_kib),
            );
        }
        println!();
        for Compared { title, ratio, goal } in self.compared() {
            let verdict = goal.filter(|goal| !goal.is_met(ratio)).map_or("", |_| "  MISSED");
            let goal = goal.map(|goal| format!("  ({goal})")).unwrap_or_default();
            println!("{title:100} {:>6}{goal}{verdict}", decimal(ratio));
        }
    }

    pub fn write(&self, path: &Path) -> Result<()> {
        let measures: serde_json::Map<String, Value> = self
            .names
            .iter()
            .map(|name| {
                let runs: Vec<Value> = self.measures[name]
                    .iter()
                    .map(|measure| {
                        json!({
                            "per_second": measure.per_second, "p50_us": measure.p50_us, "p99_us": measure.p99_us,
                            "p999_us": measure.p999_us, "max_us": measure.max_us, "server_cpu_us": measure.server_cpu_us,
                            "database_cpu_us": measure.database_cpu_us, "bytes": measure.bytes,
                            "above_idle_kib": measure.above_idle_kib,
                        })
                    })
                    .collect();
                (name.clone(), Value::Array(runs))
            })
            .collect();
        let ratios: serde_json::Map<String, Value> = self
            .compared()
            .into_iter()
            .map(|compared| (compared.title, Value::String(decimal(compared.ratio))))
            .collect();
        let text = format!("{:#}\n", json!({ "measures": measures, "ratios": ratios }));
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&path, text)?;
        println!("\nwritten to {}", path.display());
        Ok(())
    }

    /// All ratios, without those whose measurements are missing.
    fn compared(&self) -> Vec<Compared> {
        let plain = self.ratios().into_iter().map(|(title, ratio)| Compared {
            title,
            ratio,
            goal: None,
        });
        let with_goals = goals::ratios().into_iter().filter_map(|ratio| {
            Some(Compared {
                ratio: self.ratio(&ratio)?,
                title: ratio.title,
                goal: Some(ratio.goal),
            })
        });
        plain.chain(with_goals).collect()
    }

    /// A ratio with a goal; `None` if a measurement is missing.
    fn ratio(&self, ratio: &goals::Ratio) -> Option<Milli> {
        let figure = |name: &str| {
            let figure = self.median(name, |measure| match ratio.figure {
                Figure::Speed => measure.per_second,
                Figure::P50 => measure.p50_us,
                Figure::P99 => measure.p99_us,
                Figure::MemoryAboveIdle => measure.above_idle_kib.unwrap_or_default() * 1_000 / 1_024,
            });
            self.measures.contains_key(name).then_some(figure)
        };
        let over = figure(&ratio.over)?;
        match &ratio.under {
            None => Some(over),
            Some(under) => Some(over * 1_000 / figure(under)?.max(1)),
        }
    }

    /// Ratios of medians without a goal, by name, without those whose measurements are missing.
    fn ratios(&self) -> Vec<(String, Milli)> {
        let speed = |name: &str| Some(self.median(name, |measure| measure.per_second)).filter(|speed| *speed > 0);
        let p50 = |name: &str| Some(self.median(name, |measure| measure.p50_us)).filter(|time| *time > 0);
        let best = |kind: &str| {
            [8, 16, 32]
                .iter()
                .filter_map(|clients| speed(&format!("pgbench {kind}, {clients} clients")))
                .max()
        };
        let mut ratios = Vec::new();
        let mut add = |name: &str, over: Option<u64>, under: Option<u64>| {
            if let (Some(over), Some(under)) = (over, under) {
                ratios.push((name.to_owned(), over * 1_000 / under));
            }
        };
        for connections in [1_000, 256, 64] {
            let ours = speed(&format!("http uniform, {connections} connections"));
            add(
                &format!("http, {connections} connections / pgbench one-call, its best"),
                ours,
                best("one-call"),
            );
        }
        for connections in [1_000, 256] {
            let ours = |kind: &str| speed(&format!("http {kind}, {connections} connections"));
            let name = |of: &str, over: &str| format!("http, {connections} connections, {of} / {over}");
            add(&name("one hot wallet", "uniform"), ours("one hot"), ours("uniform"));
            add(
                &name("one hot wallet", "pgbench one hot, its best"),
                ours("one hot"),
                best("one hot"),
            );
            add(&name("zipf 1.0", "uniform"), ours("zipf"), ours("uniform"));
        }
        let uniform = speed("http uniform, 256 connections");
        add(
            "p50 with 1 connection / pgbench p50 with 1 client",
            p50("http uniform, 1 connections"),
            p50("pgbench one-call, 1 client"),
        );
        add(
            "two replicas / one replica",
            speed("http two replicas, 2 x 128 connections"),
            uniform,
        );
        add(
            "sqlite http / one transaction a transfer",
            speed("sqlite http, 256 connections"),
            speed("sqlite one transaction a transfer"),
        );
        ratios
    }

    fn median(&self, name: &str, field: impl Fn(&Measure) -> u64) -> u64 {
        let mut values: Vec<u64> = self.measures.get(name).into_iter().flatten().map(field).collect();
        values.sort_unstable();
        values.get(values.len() / 2).copied().unwrap_or_default()
    }

    fn spread(&self, name: &str) -> (u64, u64) {
        let values = || self.measures[name].iter().map(|measure| measure.per_second);
        (values().min().unwrap_or_default(), values().max().unwrap_or_default())
    }
}

/// Thousandths with two decimals.
pub fn decimal(milli: Milli) -> String {
    format!("{}.{:02}", milli / 1_000, milli % 1_000 / 10)
}
