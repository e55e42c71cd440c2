//! The table and the ratios, as text and as JSON. Figures are medians over the runs.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use crate::reports::PATHS;

/// All figures, by what they measure.
#[derive(Default)]
pub struct Report {
    /// Rows of the file that both importers read.
    rows: u64,
    /// Rows per second, by database and measurement.
    speeds: BTreeMap<(&'static str, String), Vec<u64>>,
    /// KiB of the importer and of a server started afterwards, by database and size of the file.
    resident: BTreeMap<(&'static str, &'static str), (u64, [u64; 2])>,
    /// Nanoseconds of the database's CPU per row.
    database_cpu: BTreeMap<&'static str, Vec<u64>>,
    /// Nanoseconds, by database, size of the history and path.
    latencies: BTreeMap<(&'static str, &'static str, &'static str), u64>,
    /// Stored rows, by database and size of the history.
    histories: BTreeMap<(&'static str, &'static str), u64>,
}

/// Thousandths, so that ratios need no float.
type Milli = u64;

impl Report {
    /// A report on imports of this many rows.
    pub fn of(rows: u64) -> Self {
        Self {
            rows,
            ..Self::default()
        }
    }

    pub fn history(&mut self, database: &'static str, label: &'static str, rows: u64) {
        self.histories.insert((database, label), rows);
    }

    pub fn speed(&mut self, database: &'static str, what: &str, rows: u64, elapsed: Duration) {
        let elapsed_us = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX).max(1);
        let speed = rows * 1_000_000 / elapsed_us;
        eprintln!("  {database}, {what}: {speed} rows/s");
        self.speeds.entry((database, what.to_owned())).or_default().push(speed);
    }

    pub fn memory(&mut self, database: &'static str, label: &'static str, rows: u64, kib: [u64; 2]) {
        let [importer, server] = kib.map(|kib| kib / 1_024);
        eprintln!("  {database}, {rows} rows: importer {importer} MiB, server {server} MiB resident");
        self.resident.insert((database, label), (rows, kib));
    }

    pub fn database_cpu(&mut self, database: &'static str, rows: u64, cpu: Duration) {
        let micros = u64::try_from(cpu.as_micros()).unwrap_or(u64::MAX);
        self.database_cpu
            .entry(database)
            .or_default()
            .push(micros * 1_000 / rows.max(1));
    }

    pub fn latency(&mut self, database: &'static str, label: &'static str, path: &'static str, p50_ns: u64) {
        self.latencies.insert((database, label, path), p50_ns);
    }

    pub fn print(&self) {
        println!(
            "{:10} {:28} {:>10} {:>22}",
            "database", "rows come in", "rows/s", "least - most"
        );
        for ((database, what), speeds) in &self.speeds {
            let (least, most) = (speeds.iter().min(), speeds.iter().max());
            let spread = format!("{} - {}", least.unwrap_or(&0), most.unwrap_or(&0));
            println!("{database:10} {what:28} {:>10} {spread:>22}", median(speeds));
        }
        for (database, cpu) in &self.database_cpu {
            println!(
                "{database:10} {:28} {:>10}",
                "its CPU a row, in us",
                decimal(median(cpu))
            );
        }
        println!(
            "\n{:10} {:28} {:>10} {:>10}",
            "database", "MiB resident, by rows", "importer", "server"
        );
        for ((database, _), (rows, [importer, server])) in &self.resident {
            println!(
                "{database:10} {rows:<28} {:>10} {:>10}",
                importer / 1_024,
                server / 1_024
            );
        }
        println!(
            "\n{:10} {:36} {:>10} {:>10} {:>10}",
            "database", "p50 in us, by history", "small", "middle", "large"
        );
        for database in ["postgres", "sqlite"] {
            for path in PATHS {
                let of = |label| self.latencies.get(&(database, label, path)).map(|ns| decimal(*ns));
                if let (Some(small), Some(middle), Some(large)) = (of("small"), of("middle"), of("large")) {
                    println!("{database:10} {path:36} {small:>10} {middle:>10} {large:>10}");
                }
            }
        }
        println!();
        for (name, figure) in self.ratios() {
            println!("{name:76} {figure}");
        }
    }

    pub fn write(&self, path: &Path) -> Result<()> {
        let speeds: Vec<Value> = self
            .speeds
            .iter()
            .map(|((database, what), speeds)| json!({ "database": database, "what": what, "rows_per_second": speeds }))
            .collect();
        let latencies: Vec<Value> = self
            .latencies
            .iter()
            .map(|((database, label, path), ns)| json!({ "database": database, "history": label, "path": path, "p50_ns": ns }))
            .collect();
        let resident: Vec<Value> = self
            .resident
            .iter()
            .map(|((database, _), (rows, kib))| json!({ "database": database, "rows": rows, "importer_and_server_kib": kib }))
            .collect();
        let ratios: serde_json::Map<String, Value> = self
            .ratios()
            .into_iter()
            .map(|(name, figure)| (name, Value::String(figure)))
            .collect();
        let all = json!({ "speeds": speeds, "resident": resident, "latencies": latencies, "ratios": ratios });
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(&path))?;
        std::fs::write(&path, format!("{all:#}\n"))?;
        println!("\nwritten to {}", path.display());
        Ok(())
    }

    fn ratios(&self) -> Vec<(String, String)> {
        let mut ratios = Vec::new();
        for (database, tool) in [("postgres", "\\copy"), ("sqlite", ".import (its key as text)")] {
            let speed = |what: &str| Some(median(self.speeds.get(&(database, what.to_owned()))?));
            if let (Some(ours), Some(own)) = (speed("import"), speed("own tool")) {
                ratios.push((
                    format!(
                        "{database}: import of {} rows / bare {tool} of the clean ones",
                        self.rows
                    ),
                    ratio(ours, own),
                ));
            }
            let resident = |label| self.resident.get(&(database, label));
            if let (Some((few, [less, _])), Some((many, [more, _]))) = (resident("small"), resident("large")) {
                let name = format!("{database}: MiB resident with a file of {many} rows, over one of {few}");
                ratios.push((name, format!("{}", more.saturating_sub(*less) / 1_024)));
            }
            ratios.extend(self.latency_ratios(database));
        }
        ratios
    }

    fn latency_ratios(&self, database: &'static str) -> Vec<(String, String)> {
        let p50 = |label, path| self.latencies.get(&(database, label, path)).copied();
        let history = |label| self.histories.get(&(database, label)).copied().unwrap_or_default();
        let mut ratios = Vec::new();
        let reports = || PATHS.into_iter().filter(|path| path.starts_with("/analytics"));
        let over_livez = reports().filter_map(|path| Some((p50("middle", path)?, p50("middle", PATHS[0])?)));
        if let Some((report, livez)) = over_livez.max() {
            ratios.push((
                format!(
                    "{database}: slowest report's p50 on {} rows / livez p50",
                    history("middle")
                ),
                ratio(report, livez),
            ));
        }
        let grown = reports().filter_map(|path| Some((p50("large", path)?, p50("small", path)?)));
        if let Some((large, small)) = grown.max_by_key(|(large, small)| large * 1_000 / small.max(&1)) {
            ratios.push((
                format!(
                    "{database}: a report's p50 on {} rows / on {}",
                    history("large"),
                    history("small")
                ),
                ratio(large, small),
            ));
        }
        ratios
    }
}

fn ratio(over: u64, under: u64) -> String {
    decimal(over * 1_000 / under.max(1))
}

fn median(values: &[u64]) -> u64 {
    let mut values = values.to_vec();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn decimal(milli: Milli) -> String {
    format!("{}.{:02}", milli / 1_000, milli % 1_000 / 10)
}
