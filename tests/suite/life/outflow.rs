//! What counts against the limits of a wallet, counted again from the rows of `transfers`, one after the other.

use std::collections::HashMap;

use entity::transfers;
use harness::TestBank;
use sea_orm::{EntityTrait, QueryOrder};
use service::ledger::day_of;
use service::values::{Money, Timestamp, TransferId, TransferKind, TransferStatus, WalletId};
use service::wallets::WalletLimits;

/// What went out of one wallet on the day of the newest row, in ten-thousandths, and how many transfers there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    pub day: i32,
    pub amount: i64,
    pub transfers: i64,
}

/// The limits that hold from a time on, and the holds of the wallet: on which day each began, and whether any of it was
/// captured.
struct Recount {
    limits: WalletLimits,
    since: Timestamp,
    counted: Counted,
    holds: HashMap<TransferId, (i32, bool)>,
}

/// Fails if a transfer of this wallet has passed a limit since a time, or was refused for one that it would not have
/// passed. Gives what counts on the last day.
pub async fn assert_limits_held(bank: &TestBank, wallet: WalletId, limits: WalletLimits, since: Timestamp) -> Counted {
    let rows = transfers::Entity::find().order_by_asc(transfers::Column::Id);
    let rows = rows.all(&bank.db.read).await.expect("transfers can be read");
    let mut recount = Recount {
        limits,
        since,
        counted: Counted::default(),
        holds: HashMap::new(),
    };
    for row in rows.iter().filter(|row| row.source_wallet_id == wallet) {
        recount.add(row);
    }
    recount.counted
}

impl Recount {
    fn add(&mut self, row: &transfers::Model) {
        let day = day_of(row.created_at);
        if self.counted.day != day {
            self.counted = Counted {
                day,
                ..Counted::default()
            };
        }
        let is_failed = row.status == TransferStatus::Failed;
        match row.kind {
            TransferKind::Transfer | TransferKind::Withdrawal | TransferKind::Hold if is_failed => {
                self.check_refused(row)
            }
            TransferKind::Transfer | TransferKind::Withdrawal => self.count(row),
            TransferKind::Hold => {
                self.count(row);
                self.holds.insert(row.id, (day, false));
            }
            TransferKind::Capture if is_failed => {}
            TransferKind::Capture => {
                let began = self.holds.get_mut(&row.parent_id.expect("a capture has a hold"));
                let (began, is_captured) = began.expect("its hold came before");
                *is_captured = true;
                if *began == day {
                    self.counted.amount -= row.released.map_or(0, Money::units);
                }
            }
            TransferKind::Release => {
                let began = self.holds.get(&row.parent_id.expect("a release has a hold"));
                let (began, is_captured) = *began.expect("its hold came before");
                if began == day {
                    self.counted.amount -= row.amount.units();
                    self.counted.transfers -= i64::from(!is_captured);
                }
            }
            TransferKind::Deposit | TransferKind::Reversal => {}
        }
    }

    /// True if what goes out with this row is more than a limit allows.
    fn passes(&self, row: &transfers::Model) -> bool {
        let amount = row.amount.units();
        let is_above = |limit: Option<Money>, amount: i64| limit.is_some_and(|limit| amount > limit.units());
        is_above(self.limits.per_transfer, amount)
            || is_above(self.limits.per_day_amount, self.counted.amount + amount)
            || self
                .limits
                .per_day_count
                .is_some_and(|limit| self.counted.transfers + 1 > limit)
    }

    fn count(&mut self, row: &transfers::Model) {
        assert!(
            row.created_at < self.since || !self.passes(row),
            "{row:?} has passed a limit after {:?}",
            self.counted
        );
        self.counted.amount += row.amount.units();
        self.counted.transfers += 1;
    }

    fn check_refused(&self, row: &transfers::Model) {
        let reason = row.failure_reason.as_deref().unwrap_or_default();
        let is_for_limit = row.created_at >= self.since && reason.starts_with("limit_exceeded");
        assert!(
            !is_for_limit || self.passes(row),
            "{row:?} was within the limits after {:?}",
            self.counted
        );
    }
}
