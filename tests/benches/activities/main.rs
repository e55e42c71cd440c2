//! Activity feeds: rows per second against each database's own tool on the clean rows, resident memory by the size of a
//! file, and reports against `/livez` by the size of the history. All are measured in one run on one machine.
//!
//! `cargo bench -p tests --bench activities [-- --quick] [-- --runs 3] [-- --json FILE]`. The importer and the server
//! are the release binary in separate processes; they share the machine's cores with the database.

mod baseline;
mod feeds;
mod importer;
mod place;
#[path = "../common/processes.rs"]
mod processes;
mod report;
mod reports;
#[path = "../common/tokens.rs"]
mod tokens;

use anyhow::{Result, ensure};
use clap::Parser;
use harness::Backend;

use feeds::Feeds;
use place::Place;
use report::Report;

/// The options; `cargo bench` adds `--bench` by itself.
#[derive(Parser)]
struct Options {
    /// Smaller files and one run: under a minute in all
    #[arg(long)]
    quick: bool,
    /// How often each import is measured
    #[arg(long, default_value = "3")]
    runs: usize,
    /// Only this database: postgres or sqlite
    #[arg(long)]
    only: Option<String>,
    /// Measure only the imports
    #[arg(long)]
    imports_only: bool,
    /// Where to write the figures
    #[arg(long, default_value = "target/bench-activities.json")]
    json: std::path::PathBuf,
    #[arg(long, hide = true)]
    bench: bool,
}

/// Rows of the files.
#[derive(Clone, Copy)]
pub struct Sizes {
    small: u64,
    middle: u64,
    large: u64,
}

const FULL: Sizes = Sizes {
    small: 100_000,
    middle: 1_000_000,
    large: 10_000_000,
};
const QUICK: Sizes = Sizes {
    small: 50_000,
    middle: 300_000,
    large: 1_000_000,
};

fn main() -> Result<()> {
    let options = Options::parse();
    let (sizes, runs) = if options.quick {
        (QUICK, 1)
    } else {
        (FULL, options.runs)
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let report = runtime.block_on(async {
        let program = processes::build()?;
        let feeds = Feeds::new()?;
        let mut report = Report::of(sizes.middle);
        for (name, backend) in [("postgres", Backend::Postgres), ("sqlite", Backend::Sqlite)] {
            if options.only.as_deref().is_none_or(|only| only == name) {
                let mut stage = Stage {
                    name,
                    place: Place::new(backend, &program).await?,
                    feeds: &feeds,
                    report: &mut report,
                };
                stage.imports(sizes.middle, runs).await?;
                if !options.imports_only {
                    stage.histories(sizes).await?;
                }
                stage.place.close().await?;
            }
        }
        anyhow::Ok(report)
    })?;
    report.print();
    report.write(&options.json)
}

/// One database, with what is measured on it.
struct Stage<'a> {
    name: &'static str,
    place: Place,
    feeds: &'a Feeds,
    report: &'a mut Report,
}

impl Stage<'_> {
    /// Imports the same rows with the database's own tool and with ours, in turns.
    async fn imports(&mut self, rows: u64, runs: usize) -> Result<()> {
        let feed = self.feeds.dirty(rows)?;
        let clean = self.feeds.clean(rows, self.place.backend)?;
        for _ in 0..runs {
            self.place.forget().await?;
            let elapsed = baseline::run(&self.place, &clean).await?;
            self.report.speed(self.name, "own tool", clean.rows, elapsed);
            let run = importer::run(&self.place, &feed.path).await?;
            // Counted in clean rows, for a fair comparison: only our importer also reads the rows that it skips.
            self.report.speed(self.name, "import", clean.rows, run.elapsed);
            if let Some(cpu) = run.database_cpu {
                self.report.database_cpu(self.name, clean.rows, cpu);
            }
            ensure!(self.place.rows().await? == clean.rows, "rows are missing");
            let again = importer::run(&self.place, &feed.path).await?;
            self.report.speed(self.name, "import again", clean.rows, again.elapsed);
        }
        Ok(())
    }

    /// Memory and reports while the history grows.
    async fn histories(&mut self, sizes: Sizes) -> Result<()> {
        self.place.forget().await?;
        let mut stored = 0;
        for (label, size) in [("small", sizes.small), ("middle", sizes.middle), ("large", sizes.large)] {
            // Each size has a seed of its own, so no event repeats and the history grows by every file.
            let feed = self.feeds.dirty(size)?;
            let run = importer::run(&self.place, &feed.path).await?;
            stored += feed.inserted;
            ensure!(self.place.rows().await? == stored, "rows are missing");
            self.report
                .speed(self.name, &format!("import of {size}"), feed.inserted, run.elapsed);
            let served = reports::measure(&self.place).await?;
            self.report
                .memory(self.name, label, size, [run.resident_kib, served.resident_kib]);
            for (path, p50_ns) in served.p50_ns {
                self.report.latency(self.name, label, path, p50_ns);
            }
            self.report.history(self.name, label, stored);
        }
        Ok(())
    }
}
