//! The expected reports and summaries, computed anew from the stored rows.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use entity::activities;
use harness::TestBank;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use service::merchants::Reports;
use service::values::{ActivityStatus, Product, Timestamp};

/// Checks every report and every summary against the rows.
pub async fn agree(bank: &TestBank, stored: &[activities::Model]) -> TestCaseResult {
    bank.services
        .merchants
        .refresh()
        .await
        .expect("the reports can be read");
    let reports = bank.services.merchants.reports().expect("they are at hand");
    let merchants = Recomputed::of(stored);
    top_agrees(&reports, &merchants)?;
    counts_agree(&reports, stored)?;
    for (id, recomputed) in merchants {
        let summary = bank
            .services
            .merchants
            .summary(&id)
            .await
            .expect("the merchant is known");
        prop_assert_eq!(summary.volume.units(), recomputed.volume);
        prop_assert_eq!(
            (summary.first_activity, summary.last_activity),
            (recomputed.first, recomputed.last)
        );
        for (product, status, count) in summary.counts.iter() {
            let expected = recomputed.counts.get(&(product, status)).copied().unwrap_or_default();
            prop_assert_eq!(count, expected, "{} {} {}", &id, product, status);
        }
    }
    Ok(())
}

/// One merchant, computed from its rows.
struct Recomputed {
    volume: i128,
    succeeded: bool,
    first: Timestamp,
    last: Timestamp,
    counts: BTreeMap<(Product, ActivityStatus), u64>,
}

impl Recomputed {
    fn of(stored: &[activities::Model]) -> BTreeMap<String, Self> {
        let mut merchants: BTreeMap<String, Self> = BTreeMap::new();
        for row in stored {
            let merchant = merchants.entry(row.merchant_id.clone()).or_insert_with(|| Self {
                volume: 0,
                succeeded: false,
                first: row.occurred_at,
                last: row.occurred_at,
                counts: BTreeMap::new(),
            });
            merchant.first = merchant.first.min(row.occurred_at);
            merchant.last = merchant.last.max(row.occurred_at);
            *merchant.counts.entry((row.product, row.status)).or_default() += 1;
            if row.status == ActivityStatus::Success {
                merchant.succeeded = true;
                merchant.volume += i128::from(row.amount.units());
            }
        }
        merchants
    }
}

fn top_agrees(reports: &Reports, merchants: &BTreeMap<String, Recomputed>) -> TestCaseResult {
    // `max_by_key` returns the last of equal elements, so the smallest id must come last.
    let succeeded = merchants.iter().rev().filter(|(_, merchant)| merchant.succeeded);
    let top = succeeded.max_by_key(|(_, merchant)| merchant.volume);
    let expected = top.map(|(id, merchant)| (id.clone(), merchant.volume));
    let found = reports
        .top_merchant
        .as_ref()
        .map(|top| (top.merchant_id.to_string(), top.volume.units()));
    prop_assert_eq!(found, expected);
    Ok(())
}

fn counts_agree(reports: &Reports, stored: &[activities::Model]) -> TestCaseResult {
    let (mut months, mut products, mut steps) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let mut ended: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for row in stored {
        let merchant = row.merchant_id.as_str();
        let product = row.product.as_str();
        products.entry(product).or_insert_with(BTreeSet::new).insert(merchant);
        let (failed, finished) = ended.entry(product).or_default();
        *failed += u64::from(row.status == ActivityStatus::Failed);
        *finished += u64::from(row.status != ActivityStatus::Pending);
        if row.status == ActivityStatus::Success {
            let month = row.occurred_at.format("%Y-%m").to_string();
            months.entry(month).or_insert_with(BTreeSet::new).insert(merchant);
            if row.product == Product::Kyc {
                steps
                    .entry(row.event_type.as_str())
                    .or_insert_with(BTreeSet::new)
                    .insert(merchant);
            }
        }
    }
    let found: Vec<(String, u64)> = reports
        .active_merchants
        .iter()
        .map(|(month, count)| (month.to_string(), *count))
        .collect();
    let expected: Vec<(String, u64)> = months
        .into_iter()
        .map(|(month, who)| (month, who.len() as u64))
        .collect();
    prop_assert_eq!(found, expected);
    let mut expected: Vec<(&str, u64)> = products
        .into_iter()
        .map(|(product, who)| (product, who.len() as u64))
        .collect();
    expected.sort_by_key(|(_, count)| Reverse(*count));
    let found: Vec<(&str, u64)> = reports
        .adoption
        .iter()
        .map(|(product, count)| (product.as_str(), *count))
        .collect();
    prop_assert_eq!(found, expected);
    let step = |name: &str| steps.get(name).map_or(0, |who| who.len() as u64);
    prop_assert_eq!(reports.funnel.documents_submitted, step("DOCUMENT_SUBMITTED"));
    prop_assert_eq!(reports.funnel.verifications_completed, step("VERIFICATION_COMPLETED"));
    prop_assert_eq!(reports.funnel.tier_upgrades, step("TIER_UPGRADE"));
    rates_agree(reports, ended)
}

fn rates_agree(reports: &Reports, ended: BTreeMap<&str, (u64, u64)>) -> TestCaseResult {
    let mut expected: Vec<(&str, u64, u64)> = ended
        .into_iter()
        .filter(|(_, (_, finished))| *finished > 0)
        .map(|(product, (failed, finished))| (product, failed, finished))
        .collect();
    expected.sort_by(|one, other| (other.1 * one.2).cmp(&(one.1 * other.2)));
    let rates = reports.failure_rates.iter();
    let found: Vec<(&str, u64, u64)> = rates
        .map(|rate| (rate.product.as_str(), rate.failed, rate.finished))
        .collect();
    prop_assert_eq!(found, expected);
    Ok(())
}
