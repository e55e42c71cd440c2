//! The five reports, made of the rollups' numbers.

use std::cmp::{Ordering, Reverse};

use super::month::Month;
use super::ranking::{Ranked, Ranking};
use super::rollup::{MerchantCounts, MerchantFlag};
use crate::values::{ActivityStatus, KycStep, Product};

/// Every report at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reports {
    /// Grows with every change of the rollups; 0 while nothing was ever imported.
    pub version: i64,
    /// The largest volume; ties go to the smaller id.
    pub top_merchant: Option<Ranked>,
    /// Merchants with a success in each month, months ascending.
    pub active_merchants: Vec<(Month, u64)>,
    /// Merchants that used each product, most first, then by name.
    pub adoption: Vec<(Product, u64)>,
    /// Merchants that passed each step of KYC.
    pub funnel: Funnel,
    /// Products by how often they fail, most first, then by name.
    pub failure_rates: Vec<FailureRate>,
}

/// Merchants that passed each step of KYC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Funnel {
    /// Merchants that submitted their documents.
    pub documents_submitted: u64,
    /// Merchants whose verification was completed.
    pub verifications_completed: u64,
    /// Merchants that were upgraded to a higher tier.
    pub tier_upgrades: u64,
}

/// How often a product fails, among its activities that succeeded or failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailureRate {
    /// The product.
    pub product: Product,
    /// Activities that failed.
    pub failed: u64,
    /// Activities that succeeded or failed.
    pub finished: u64,
}

/// What one number of the rollups counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Item {
    /// Merchants with a success in a month.
    ActiveMerchants(Month),
    /// Rows of a product with a status.
    Activities(Product, ActivityStatus),
    /// Merchants that passed a step of KYC.
    KycMerchants(KycStep),
    /// Merchants that used a product.
    ProductMerchants(Product),
}

impl Item {
    /// The report and the item that the number is stored under.
    #[must_use]
    pub fn key(self) -> (&'static str, String) {
        match self {
            Self::ActiveMerchants(month) => (ACTIVE_MERCHANTS, month.to_string()),
            Self::Activities(product, status) => (ACTIVITIES, format!("{product} {status}")),
            Self::KycMerchants(step) => (KYC_MERCHANTS, step.to_string()),
            Self::ProductMerchants(product) => (PRODUCT_MERCHANTS, product.to_string()),
        }
    }

    /// Reads such a key back; `None` for any other key.
    #[must_use]
    pub fn from_key(report: &str, item: &str) -> Option<Self> {
        match report {
            ACTIVE_MERCHANTS => Month::from_text(item).map(Self::ActiveMerchants),
            ACTIVITIES => {
                let (product, status) = item.split_once(' ')?;
                Some(Self::Activities(
                    Product::from_word(product)?,
                    ActivityStatus::from_word(status)?,
                ))
            }
            KYC_MERCHANTS => KycStep::from_word(item).map(Self::KycMerchants),
            PRODUCT_MERCHANTS => Product::from_word(item).map(Self::ProductMerchants),
            _ => None,
        }
    }

    /// The number that counts merchants with a flag; `None` for `Succeeded`, which no report counts.
    #[must_use]
    pub fn of_flag(mark: MerchantFlag) -> Option<Self> {
        match mark {
            MerchantFlag::Used(product) => Some(Self::ProductMerchants(product)),
            MerchantFlag::PassedKyc(step) => Some(Self::KycMerchants(step)),
            MerchantFlag::Succeeded => None,
        }
    }
}

const ACTIVE_MERCHANTS: &str = "active_merchants";
const ACTIVITIES: &str = "activities";
const KYC_MERCHANTS: &str = "kyc_merchants";
const PRODUCT_MERCHANTS: &str = "product_merchants";

impl Reports {
    /// Makes the reports from the stored numbers.
    #[must_use]
    pub fn new(version: i64, ranking: &Ranking, numbers: impl IntoIterator<Item = (Item, u64)>) -> Self {
        let mut reports = Self {
            version,
            top_merchant: ranking.leader().cloned(),
            ..Self::default()
        };
        let mut activities = MerchantCounts::default();
        for (item, count) in numbers {
            match item {
                _ if count == 0 => {}
                Item::ActiveMerchants(month) => reports.active_merchants.push((month, count)),
                Item::Activities(product, status) => activities.set(product, status, count),
                Item::KycMerchants(KycStep::DocumentSubmitted) => reports.funnel.documents_submitted = count,
                Item::KycMerchants(KycStep::VerificationCompleted) => reports.funnel.verifications_completed = count,
                Item::KycMerchants(KycStep::TierUpgrade) => reports.funnel.tier_upgrades = count,
                Item::ProductMerchants(product) => reports.adoption.push((product, count)),
            }
        }
        reports.active_merchants.sort_unstable();
        reports
            .adoption
            .sort_unstable_by_key(|(product, count)| (Reverse(*count), product.as_str()));
        reports.failure_rates = failure_rates(&activities);
        reports
    }
}

fn failure_rates(activities: &MerchantCounts) -> Vec<FailureRate> {
    let mut rates: Vec<FailureRate> = Product::ALL
        .iter()
        .map(|product| {
            let failed = activities.of(*product, ActivityStatus::Failed);
            FailureRate {
                product: *product,
                failed,
                finished: failed + activities.of(*product, ActivityStatus::Success),
            }
        })
        .filter(|rate| rate.finished > 0)
        .collect();
    rates.sort_unstable_by(|one, other| {
        let by_rate = other.compare(one);
        by_rate.then_with(|| one.product.as_str().cmp(other.product.as_str()))
    });
    rates
}

impl FailureRate {
    /// Compares the exact rates, not the rounded ones.
    fn compare(&self, other: &Self) -> Ordering {
        let cross = |failed: u64, finished: u64| u128::from(failed) * u128::from(finished);
        cross(self.failed, other.finished).cmp(&cross(other.failed, self.finished))
    }

    /// The rate in tenths of a percent, rounded half up.
    #[must_use]
    pub fn permille(&self) -> i128 {
        let (failed, finished) = (i128::from(self.failed), i128::from(self.finished));
        (2_000 * failed + finished) / (2 * finished)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(of: &[(Product, u64, u64)]) -> Vec<(&'static str, i128)> {
        let numbers = of.iter().flat_map(|(product, failed, success)| {
            [
                (Item::Activities(*product, ActivityStatus::Failed), *failed),
                (Item::Activities(*product, ActivityStatus::Success), *success),
                (Item::Activities(*product, ActivityStatus::Pending), 1_000),
            ]
        });
        let reports = Reports::new(1, &Ranking::default(), numbers);
        let rates = reports.failure_rates.iter();
        rates.map(|rate| (rate.product.as_str(), rate.permille())).collect()
    }

    #[test]
    fn rates_are_ordered_unrounded_and_ties_by_name() {
        let found = rates(&[
            (Product::Pos, 1, 1_999),
            (Product::Bills, 1, 1_998),
            (Product::Airtime, 2, 3_998),
            (Product::Kyc, 0, 0),
            (Product::Savings, 7, 0),
            (Product::Moniebook, 0, 9),
        ]);
        let expected = [
            ("SAVINGS", 1_000),
            ("BILLS", 1),
            ("AIRTIME", 1),
            ("POS", 1),
            ("MONIEBOOK", 0),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn half_a_tenth_rounds_up() {
        assert_eq!(rates(&[(Product::Pos, 1, 1_999)]), [("POS", 1)]);
        assert_eq!(rates(&[(Product::Pos, 1, 2_000)]), [("POS", 0)]);
        assert_eq!(rates(&[(Product::Pos, 3, 1_997)]), [("POS", 2)]);
    }

    #[test]
    fn adoption_is_ordered_by_count_then_name_and_zeros_are_left_out() {
        let numbers = [
            (Product::Pos, 3),
            (Product::Airtime, 3),
            (Product::Kyc, 9),
            (Product::Bills, 0),
        ];
        let numbers = numbers.map(|(product, count)| (Item::ProductMerchants(product), count));
        let reports = Reports::new(1, &Ranking::default(), numbers);
        assert_eq!(
            reports.adoption,
            [(Product::Kyc, 9), (Product::Airtime, 3), (Product::Pos, 3)]
        );
    }

    #[test]
    fn keys_are_read_as_they_are_written() {
        let month = Month::from_number(202_401).expect("this is a month");
        let mut items = vec![Item::ActiveMerchants(month)];
        items.extend(MerchantFlag::all().filter_map(Item::of_flag));
        items.extend(
            MerchantCounts::default()
                .iter()
                .map(|(product, status, _)| Item::Activities(product, status)),
        );
        for item in items {
            let (report, text) = item.key();
            assert_eq!(Item::from_key(report, &text), Some(item));
        }
    }
}
