//! Lists of transfers, for every caller and combination of filters, compared with a plain filter over all rows.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use entity::{holds, transfers};
use harness::{TestBank, on_every_backend};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::TestCaseResult;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use service::clock::{Clock, id_floor};
use service::page::PageRequest;
use service::transfers::{ShownTransfer, TransferFilter};
use service::values::{BatchId, Money, Timestamp, TransferId, TransferKind, TransferStatus, WalletId};

use crate::cases::{Met, hold_on_bank};
use crate::list_case::{Act, CUSTOMERS, ListCase, OWNERS, act, failed};

on_every_backend!(every_list_is_what_a_plain_filter_finds);

/// A list to ask for; it is resolved when the case's rows are known.
#[derive(Clone, Debug)]
struct DrawnList {
    asker: usize,
    wallet: Option<Index>,
    status: Option<TransferStatus>,
    kind: Option<TransferKind>,
    batch: Option<Index>,
    parent: Option<Index>,
    from: Option<Index>,
    to: Option<Index>,
    limit: u64,
    /// True if rows are added between the first page and the second.
    is_moving: bool,
}

async fn every_list_is_what_a_plain_filter_finds(bank: Arc<TestBank>) {
    let operator = bank.operator_actor().await;
    let met = Met::default();
    hold_on_bank(
        file!(),
        &(vec(act(), 6..24), any::<bool>(), vec(drawn_list(), 16)),
        async |(acts, ends_with_a_hold, lists)| {
            let mut case = ListCase::begin(&bank, operator.clone()).await?;
            for act in acts {
                case.go(act).await?;
            }
            if ends_with_a_hold {
                case.let_a_hold_run_out().await?;
            }
            for list in lists {
                compare(&mut case, &list, &met).await?;
            }
            Ok(())
        },
    );
    let words = TransferStatus::ALL.iter().map(|status| status.as_str());
    let words = words.chain(TransferKind::ALL.iter().map(|kind| kind.as_str()));
    let others = [
        "a batch",
        "a parent",
        "a wallet",
        "a customer",
        "the bank",
        "several pages",
        "rows were added",
        "a hold ran out and is not released yet",
        "a refusal is shown to the asker on the other side",
        "a reversed transfer",
    ];
    met.expect_all(&words.chain(others).collect::<Vec<_>>());
}

fn drawn_list() -> impl Strategy<Value = DrawnList> {
    let index = || option::weighted(0.25, any::<Index>());
    let words = (
        option::of(select(TransferStatus::ALL)),
        option::of(select(TransferKind::ALL)),
    );
    let limit = prop_oneof![3 => 1..5_u64, 1 => Just(50_u64)];
    (
        0..=CUSTOMERS,
        option::of(any::<Index>()),
        words,
        (index(), index()),
        (index(), index()),
        limit,
        proptest::bool::weighted(0.2),
    )
        .prop_map(
            |(asker, wallet, (status, kind), (batch, parent), (from, to), limit, is_moving)| DrawnList {
                asker,
                wallet,
                status,
                kind,
                batch,
                parent,
                from,
                to,
                limit,
                is_moving,
            },
        )
}

async fn compare(case: &mut ListCase, list: &DrawnList, met: &Met) -> TestCaseResult {
    let rows = Rows::of(case).await;
    let filter = list.resolve(case, &rows);
    let expected: Vec<Line> = rows
        .newest_first()
        .filter(|row| list.is_visible(case, filter.wallet, row) && rows.admits(&filter, row))
        .map(|row| rows.line(row))
        .collect();
    let (found, pages) = walk(case, list, filter).await?;
    let lines: Vec<Line> = found.iter().map(line_of).collect();
    prop_assert_eq!(&lines, &expected, "{:?} {:?}", list, filter);
    if pages > 1 {
        met.count("several pages");
        if list.is_moving {
            met.count("rows were added");
        }
    }
    if found.iter().any(|shown| rows.has_run_out(shown.transfer.id)) {
        met.count("a hold ran out and is not released yet");
    }
    count(case, list, &filter, &found, met);
    Ok(())
}

/// Reads all pages; returns their items, and how many pages there were.
async fn walk(
    case: &mut ListCase,
    list: &DrawnList,
    filter: TransferFilter,
) -> Result<(Vec<ShownTransfer>, u32), TestCaseError> {
    let mut request = PageRequest {
        limit: list.limit,
        after: None,
    };
    let (mut found, mut pages) = (Vec::new(), 0);
    loop {
        let listed = case
            .bank
            .services
            .transfers
            .list(&case.actors[list.asker], filter, request);
        let page = listed.await.map_err(failed)?;
        pages += 1;
        prop_assert!(page.items.len() as u64 <= list.limit, "{} items", page.items.len());
        found.extend(page.items);
        let Some(next) = page.next else {
            return Ok((found, pages));
        };
        prop_assert!(request.after.is_none_or(|before| next < before), "the cursor goes on");
        request.after = Some(next);
        if list.is_moving && pages == 1 {
            case.go(Act::Deposit { wallet: 0, amount: 1 }).await?;
        }
    }
}

fn count(case: &ListCase, list: &DrawnList, filter: &TransferFilter, found: &[ShownTransfer], met: &Met) {
    if found.is_empty() {
        return;
    }
    let met_where = |is_there: bool, what: &str| {
        if is_there {
            met.count(what);
        }
    };
    met_where(filter.batch.is_some(), "a batch");
    met_where(filter.parent.is_some(), "a parent");
    met_where(filter.wallet.is_some(), "a wallet");
    met_where(list.asker < CUSTOMERS, "a customer");
    met_where(list.asker == CUSTOMERS && filter.wallet.is_none(), "the bank");
    met_where(
        found.iter().any(|shown| shown.reversed > Money::ZERO),
        "a reversed transfer",
    );
    if let Some(status) = filter.status {
        met.count(status.as_str());
    }
    if let Some(kind) = filter.kind {
        met.count(kind.as_str());
    }
    let own = list.own_wallets(case);
    let is_elsewhere =
        |shown: &ShownTransfer| shown.transfer.failure.is_some() && !own.contains(&shown.transfer.source);
    met_where(
        list.asker < CUSTOMERS && found.iter().any(is_elsewhere),
        "a refusal is shown to the asker on the other side",
    );
}

/// What is compared of a transfer: its id, the status shown, what its reversals took back, and what a hold still holds.
type Line = (TransferId, TransferStatus, Money, Option<Money>);

fn line_of(shown: &ShownTransfer) -> Line {
    (
        shown.transfer.id,
        shown.status(),
        shown.reversed,
        shown.hold.map(|hold| hold.remaining),
    )
}

/// All transfers of a case, and their holds.
struct Rows {
    transfers: Vec<transfers::Model>,
    holds: HashMap<TransferId, holds::Model>,
    now: Timestamp,
}

impl Rows {
    async fn of(case: &ListCase) -> Self {
        let db = &case.bank.db.read;
        let first = TransferId(id_floor(case.began));
        let transfers = transfers::Entity::find()
            .filter(transfers::Column::Id.gte(first))
            .order_by_asc(transfers::Column::Id);
        let holds = holds::Entity::find().filter(holds::Column::Id.gte(first)).all(db).await;
        let holds = holds.expect("holds can be read");
        Self {
            transfers: transfers.all(db).await.expect("transfers can be read"),
            holds: holds.into_iter().map(|hold| (hold.id, hold)).collect(),
            now: case.bank.clock.now(),
        }
    }

    fn newest_first(&self) -> impl Iterator<Item = &transfers::Model> {
        self.transfers.iter().rev()
    }

    fn admits(&self, filter: &TransferFilter, row: &transfers::Model) -> bool {
        filter.status.is_none_or(|status| self.status(row) == status)
            && filter.kind.is_none_or(|kind| row.kind == kind)
            && filter.batch.is_none_or(|batch| row.batch_id == Some(batch))
            && filter.parent.is_none_or(|parent| row.parent_id == Some(parent))
            && filter.from.is_none_or(|from| row.created_at >= from)
            && filter.to.is_none_or(|to| row.created_at < to)
    }

    /// The status that the contract says: PENDING while something is held, then COMPLETED if anything was captured.
    fn status(&self, row: &transfers::Model) -> TransferStatus {
        let Some(hold) = self.holds.get(&row.id) else {
            return row.status;
        };
        if self.is_open(hold) {
            TransferStatus::Pending
        } else if hold.captured == Money::ZERO {
            TransferStatus::Failed
        } else {
            TransferStatus::Completed
        }
    }

    fn is_open(&self, hold: &holds::Model) -> bool {
        hold.end.is_none() && self.now < hold.expires_at
    }

    fn has_run_out(&self, id: TransferId) -> bool {
        self.holds
            .get(&id)
            .is_some_and(|hold| hold.end.is_none() && !self.is_open(hold))
    }

    fn line(&self, row: &transfers::Model) -> Line {
        let reversals = self.transfers.iter().filter(|other| {
            other.parent_id == Some(row.id)
                && other.kind == TransferKind::Reversal
                && other.status == TransferStatus::Completed
        });
        let reversed = reversals.map(|reversal| reversal.amount.units()).sum();
        let reversed = Money::from_units(reversed).expect("a case moves little money");
        let remaining = self.holds.get(&row.id).map(|hold| {
            if self.is_open(hold) {
                hold.remaining
            } else {
                Money::ZERO
            }
        });
        (row.id, self.status(row), reversed, remaining)
    }
}

impl DrawnList {
    fn resolve(&self, case: &ListCase, rows: &Rows) -> TransferFilter {
        let is_operator = self.asker == CUSTOMERS;
        let own = self.own_wallets(case);
        let batches: BTreeSet<BatchId> = rows.transfers.iter().filter_map(|row| row.batch_id).collect();
        let parents: BTreeSet<TransferId> = rows.transfers.iter().filter_map(|row| row.parent_id).collect();
        let time = |index: Option<Index>| index.map(|index| index.get(&rows.transfers).created_at);
        // The operator's lists have the transfers of all cases in them.
        let from = time(self.from).or(is_operator.then_some(case.began));
        TransferFilter {
            wallet: self.wallet.map(|index| *index.get(&own)),
            status: self.status,
            kind: self.kind,
            batch: pick(self.batch, &batches),
            parent: pick(self.parent, &parents),
            from,
            to: time(self.to),
        }
    }

    /// The wallets by which the asker filters: all of the case for the operator.
    fn own_wallets(&self, case: &ListCase) -> Vec<WalletId> {
        let is_own = |owner: usize| self.asker == CUSTOMERS || owner == self.asker;
        let owned = OWNERS.iter().zip(&case.wallets);
        owned
            .filter(|(owner, _)| is_own(**owner))
            .map(|(_, wallet)| *wallet)
            .collect()
    }

    /// Who sees what: customers see what moved or held money on either side, and refusals of what came from their wallets
    /// or what they asked for; a list of one wallet has only what concerns it.
    fn is_visible(&self, case: &ListCase, wallet: Option<WalletId>, row: &transfers::Model) -> bool {
        let own = match wallet {
            Some(wallet) => vec![wallet],
            None => self.own_wallets(case),
        };
        let is_source = own.contains(&row.source_wallet_id);
        let is_destination = own.contains(&row.destination_wallet_id);
        let is_refused = row.status == TransferStatus::Failed;
        if self.asker == CUSTOMERS {
            return wallet.is_none() || is_source || (is_destination && !is_refused);
        }
        if !is_refused {
            return is_source || is_destination;
        }
        let is_asked = row.created_by == Some(case.actors[self.asker].user);
        is_source || (is_asked && (wallet.is_none() || is_destination))
    }
}

/// One of some ids; `None` if there are none.
fn pick<T: Copy + Ord>(index: Option<Index>, ids: &BTreeSet<T>) -> Option<T> {
    let ids: Vec<T> = ids.iter().copied().collect();
    index.filter(|_| !ids.is_empty()).map(|index| *index.get(&ids))
}
