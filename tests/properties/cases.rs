//! Runs a property over random cases, and draws the values that many properties start from.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence, TestCaseResult, TestRunner};
use service::values::{Currency, Money};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

/// Cases of a property on a database. `PROPTEST_CASES` can raise this and `PURE_CASES`, but not lower them.
const CASES: u32 = 256;
/// Cases of a property without a database, which cost microseconds each.
const PURE_CASES: u32 = 2_048;
/// Proptest shrinks a failing case on a database for a minute at most.
const SHRINK_TIME_MS: u32 = 60_000;

/// The largest amount, in ten-thousandths.
pub const UNITS_MAX: i64 = 999_999_999_999_999_999;

/// Checks a property that needs no runtime. `file` is the caller's `file!()`; it names the file that keeps failing
/// seeds.
pub fn hold<S: Strategy>(file: &str, strategy: &S, property: impl Fn(S::Value) -> TestCaseResult) {
    run(config(file, PURE_CASES), strategy, property);
}

/// Checks a property of a bank. All cases run on one bank, each with new data.
pub fn hold_on_bank<S: Strategy>(file: &str, strategy: &S, property: impl AsyncFn(S::Value) -> TestCaseResult) {
    let (runtime, config) = (Handle::current(), config(file, CASES));
    block_in_place(|| run(config, strategy, |case| runtime.block_on(property(case))));
}

fn run<S: Strategy>(config: Config, strategy: &S, property: impl Fn(S::Value) -> TestCaseResult) {
    let mut runner = TestRunner::new(config);
    if let Err(error) = runner.run(strategy, property) {
        panic!("{error}\n{runner}");
    }
}

fn config(file: &str, cases: u32) -> Config {
    let defaults = Config::default();
    let name = Path::new(file).file_stem().unwrap_or_default().display();
    let seeds = format!(
        "{}/properties/proptest-regressions/{name}.txt",
        env!("CARGO_MANIFEST_DIR")
    );
    Config {
        cases: defaults.cases.max(cases),
        max_shrink_time: SHRINK_TIME_MS,
        // Leaked, since the path must live as long as the program; there is one for each property.
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(Box::leak(
            seeds.into_boxed_str(),
        )))),
        ..defaults
    }
}

/// Counts the situations that a property's cases reach, so that a property cannot pass without reaching them.
#[derive(Debug, Default)]
pub struct Met(Mutex<BTreeMap<String, u32>>);

impl Met {
    pub fn count(&self, what: impl Into<String>) {
        *self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(what.into())
            .or_default() += 1;
    }

    /// Fails unless every one of these was reached.
    #[track_caller]
    pub fn expect_all<W: AsRef<str> + Debug>(&self, whats: &[W]) {
        let met = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        println!("met: {met:?}");
        let missing: Vec<_> = whats.iter().filter(|what| !met.contains_key(what.as_ref())).collect();
        assert!(missing.is_empty(), "no case met {missing:?}; met: {met:?}");
    }
}

/// Amounts in ten-thousandths of either sign; the edges of the range and short numbers are as usual as long ones.
pub fn units() -> impl Strategy<Value = i64> {
    (units_above_zero(), any::<bool>()).prop_flat_map(|(units, negative)| {
        let signed = if negative { -units } else { units };
        prop_oneof![30 => Just(signed), 1 => Just(0)]
    })
}

/// Amounts in ten-thousandths above zero.
pub fn units_above_zero() -> impl Strategy<Value = i64> {
    prop_oneof![
        3 => 1..=UNITS_MAX,
        3 => (0_u32..18).prop_flat_map(|zeros| 10_i64.pow(zeros)..=(10_i64.pow(zeros) * 9)),
        1 => 1..10_i64,
        1 => UNITS_MAX - 3..=UNITS_MAX,
        1 => Just(UNITS_MAX),
    ]
}

/// Money of this many ten-thousandths.
pub fn money(units: i64) -> Money {
    Money::from_units(units).expect("a strategy stays within the range of money")
}

/// An amount's expected text, computed without `Money`.
pub fn text_of(units: i128) -> String {
    let sign = if units < 0 { "-" } else { "" };
    let digits = format!("{:05}", units.unsigned_abs());
    let (whole, fraction) = digits.split_at(digits.len() - 4);
    format!("{sign}{whole}.{fraction}")
}

/// The currencies of the cases; one of them has no decimals.
pub fn currency(index: u8) -> Currency {
    let codes = ["USD", "EUR", "JPY"];
    Currency::from_code(codes[usize::from(index) % codes.len()]).expect("these are currencies")
}
