//! The rules of the plain bank, in the contract's order. Shares no code with the ledger.

use service::values::{HoldEnd, TransferKind, WalletStatus};

use crate::cases::UNITS_MAX;
use crate::life_instructions::{Cash, Decided, Decision, Instruction, LifePayment, OPERATOR, Operation, Reason};
use crate::life_model::{HoldState, LifeModel, Record};
use crate::model::Name;

const WALLET_NOT_FOUND: Reason = ("wallet_not_found", None);
const TRANSFER_NOT_FOUND: Reason = ("transfer_not_found", None);

impl LifeModel {
    /// Decides an instruction and carries it out. A used-up key is answered before any rule is checked.
    pub fn ask(&mut self, instruction: &Instruction) -> Decision {
        let key = instruction.key.map(|key| (instruction.asker, key));
        if let Some((before, decision)) = key.and_then(|key| self.keys.get(&key)) {
            return if before == instruction {
                Decision {
                    replayed: true,
                    ..decision.clone()
                }
            } else {
                Decision::of(Decided::Refused(("idempotency_key_reused", None)))
            };
        }
        let decision = self.decide(instruction);
        if let Some(key) = key.filter(|_| decision.is_recorded()) {
            self.keys.insert(key, (instruction.clone(), decision.clone()));
        }
        decision
    }

    fn decide(&mut self, instruction: &Instruction) -> Decision {
        let asker = instruction.asker;
        let decided = match &instruction.operation {
            Operation::Batch { is_atomic, payments } => return self.batch(asker, *is_atomic, payments),
            Operation::Transfer(payment) => self.transfer(asker, payment, None),
            Operation::Deposit(cash) => self.deposit(asker, cash),
            Operation::Withdrawal(cash) => self.withdraw(asker, cash),
            Operation::Capture { hold, part, is_final } => self.capture(asker, *hold, (*part, *is_final)),
            Operation::Void { hold } => self.void(asker, *hold),
            Operation::Reversal { original, part } => self.reverse(asker, *original, *part),
        };
        Decision::of(self.decided(decided))
    }

    fn decided(&self, decided: Result<usize, Reason>) -> Decided {
        let record = match decided {
            Ok(record) => record,
            Err(reason) => return Decided::Refused(reason),
        };
        let Record {
            failure,
            units,
            released,
            ..
        } = self.records[record];
        match failure {
            Some(reason) => Decided::Failed { record, reason },
            None => Decided::Made {
                record,
                units,
                released,
            },
        }
    }

    /// All transfers of an atomic batch are made or none; the one at fault may be recorded.
    fn batch(&mut self, asker: usize, is_atomic: bool, payments: &[LifePayment]) -> Decision {
        let before = self.clone();
        let batch = self.batches;
        self.batches += 1;
        let mut items = Vec::new();
        for (place, payment) in payments.iter().enumerate() {
            let decided = self.transfer(asker, payment, Some(batch));
            let item = self.decided(decided);
            if is_atomic && item.code() != "done" {
                return Decision {
                    at_fault: Some(place),
                    ..Decision::of(self.take_back(before, item))
                };
            }
            items.push(item);
        }
        Decision {
            items,
            at_fault: None,
            replayed: false,
        }
    }

    /// Takes back what a batch did up to the transfer at fault, and keeps the record of that one's refusal.
    fn take_back(&mut self, before: Self, fault: Decided) -> Decided {
        let (record, batches) = (before.records.len(), self.batches);
        let failed = self.records.pop();
        *self = Self { batches, ..before };
        match fault {
            Decided::Failed { reason, .. } => {
                self.records.extend(failed);
                Decided::Failed { record, reason }
            }
            Decided::Made { .. } | Decided::Refused(_) => fault,
        }
    }

    fn transfer(&mut self, asker: usize, payment: &LifePayment, batch: Option<usize>) -> Result<usize, Reason> {
        above_zero(payment.units)?;
        self.own(asker, payment.source)?;
        self.customers(payment.destination)?;
        if payment.source == payment.destination {
            return Err(("same_wallet", None));
        }
        let sides = (payment.source, payment.destination);
        let mut draft = self.draft(asker, TransferKind::Transfer, sides, payment.units);
        draft.batch = batch;
        Ok(self.record(self.held_for(draft, payment.seconds)))
    }

    fn deposit(&mut self, asker: usize, cash: &Cash) -> Result<usize, Reason> {
        above_zero(cash.units)?;
        self.customers(cash.wallet)?;
        let system = self.method(asker, cash)?;
        let draft = self.draft(asker, TransferKind::Deposit, (system, cash.wallet), cash.units);
        Ok(self.record(draft))
    }

    fn withdraw(&mut self, asker: usize, cash: &Cash) -> Result<usize, Reason> {
        above_zero(cash.units)?;
        if asker == OPERATOR {
            self.customers(cash.wallet)?;
        } else {
            self.own(asker, cash.wallet)?;
        }
        let system = self.method(asker, cash)?;
        let draft = self.draft(asker, TransferKind::Withdrawal, (cash.wallet, system), cash.units);
        Ok(self.record(self.held_for(draft, cash.seconds)))
    }

    fn capture(
        &mut self,
        asker: usize,
        hold: Option<usize>,
        (part, is_final): (Option<i64>, bool),
    ) -> Result<usize, Reason> {
        part.map_or(Ok(()), above_zero)?;
        let (parent, state) = self.open_hold(asker, hold)?;
        let units = part.unwrap_or(state.remaining);
        let rest = state.remaining - units;
        if rest < 0 {
            return Err(("amount_exceeds_hold", Some(state.remaining)));
        }
        let mut draft = self.draft(asker, TransferKind::Capture, self.records[parent].sides, units);
        draft.parent = Some(parent);
        draft.released = if is_final { rest } else { 0 };
        let remaining = rest - draft.released;
        let capture = self.record(draft);
        if self.records[capture].failure.is_none() {
            self.records[parent].hold = Some(HoldState {
                remaining,
                captured: state.captured + units,
                end: (remaining == 0).then_some(HoldEnd::Captured),
                ..state
            });
        }
        Ok(capture)
    }

    fn void(&mut self, asker: usize, hold: Option<usize>) -> Result<usize, Reason> {
        let (parent, state) = self.open_hold(asker, hold)?;
        let sides = self.records[parent].sides;
        let mut draft = self.draft(asker, TransferKind::Release, sides, state.remaining);
        draft.parent = Some(parent);
        draft.released = state.remaining;
        self.records[parent].hold = Some(HoldState {
            remaining: 0,
            end: Some(HoldEnd::Voided),
            ..state
        });
        // Neither a frozen nor a closed wallet keeps held money from its owner.
        self.records.push(draft);
        Ok(self.records.len() - 1)
    }

    fn reverse(&mut self, asker: usize, original: Option<usize>, part: Option<i64>) -> Result<usize, Reason> {
        part.map_or(Ok(()), above_zero)?;
        let parent = original.filter(|_| asker == OPERATOR).ok_or(TRANSFER_NOT_FOUND)?;
        let record = &self.records[parent];
        let has_moved = match record.kind {
            TransferKind::Transfer | TransferKind::Deposit | TransferKind::Withdrawal | TransferKind::Capture => {
                record.failure.is_none()
            }
            TransferKind::Reversal | TransferKind::Hold | TransferKind::Release => false,
        };
        if !has_moved {
            return Err(("not_reversible", None));
        }
        let left = record.units - self.reversed(parent);
        let units = part.unwrap_or(left);
        if left == 0 || units > left {
            return Err(("amount_exceeds_original", Some(left)));
        }
        let (from, to) = record.sides;
        let mut draft = self.draft(asker, TransferKind::Reversal, (to, from), units);
        draft.parent = Some(parent);
        Ok(self.record(draft))
    }

    /// A hold that the asker may end, and that is open.
    fn open_hold(&self, asker: usize, hold: Option<usize>) -> Result<(usize, HoldState), Reason> {
        let index = hold.ok_or(TRANSFER_NOT_FOUND)?;
        let record = &self.records[index];
        let owns = |name: Name| self.wallets[&name].owner == Some(asker);
        let (is_payer, is_payee) = (owns(record.sides.0), owns(record.sides.1));
        let is_asker = record.asker == asker;
        let sees = asker == OPERATOR || is_payer || is_asker || (is_payee && record.failure.is_none());
        if !sees {
            return Err(TRANSFER_NOT_FOUND);
        }
        if asker != OPERATOR && !is_payee {
            return Err(("forbidden", None));
        }
        let state = record.hold.ok_or(("not_a_hold", None))?;
        match state.end {
            None => Ok((index, state)),
            Some(HoldEnd::Expired) => Err(("hold_closed: expired", None)),
            Some(HoldEnd::Captured | HoldEnd::Voided) => Err(("hold_closed", None)),
        }
    }

    fn customers(&self, name: Name) -> Result<(), Reason> {
        let wallet = self.wallets.get(&name).filter(|wallet| wallet.owner.is_some());
        wallet.map(|_| ()).ok_or(WALLET_NOT_FOUND)
    }

    fn own(&self, asker: usize, name: Name) -> Result<(), Reason> {
        let wallet = self.wallets.get(&name).filter(|wallet| wallet.owner == Some(asker));
        wallet.map(|_| ()).ok_or(WALLET_NOT_FOUND)
    }

    /// The system wallet of a method, which an operator's first use opens.
    fn method(&mut self, asker: usize, cash: &Cash) -> Result<Name, Reason> {
        let (method, currency) = (cash.method, self.wallets[&cash.wallet].currency);
        let name = Name::System { method, currency };
        if asker == OPERATOR {
            self.open(name, None, currency);
        }
        if self.wallets.contains_key(&name) {
            Ok(name)
        } else {
            Err(("unknown_method", None))
        }
    }

    fn draft(&self, asker: usize, kind: TransferKind, sides: (Name, Name), units: i64) -> Record {
        Record {
            kind,
            sides,
            units,
            failure: None,
            released: 0,
            parent: None,
            batch: None,
            asker,
            day: self.today(),
            hold: None,
        }
    }

    /// The hold of a transfer or withdrawal, if it is to be held.
    fn held_for(&self, draft: Record, seconds: Option<i64>) -> Record {
        let Some(seconds) = seconds else {
            return draft;
        };
        let hold = HoldState {
            remaining: draft.units,
            captured: 0,
            expires_at: self.now + seconds,
            end: None,
        };
        Record {
            kind: TransferKind::Hold,
            hold: Some(hold),
            ..draft
        }
    }

    /// Records a transfer, and moves its money unless a rule refuses it.
    fn record(&mut self, mut draft: Record) -> usize {
        let index = self.records.len();
        draft.failure = self.check(&draft);
        if draft.failure.is_some() {
            (draft.released, draft.hold) = (0, None);
        } else if draft.kind != TransferKind::Hold {
            let (from, to) = draft.sides;
            for (name, amount) in [(from, -draft.units), (to, draft.units)] {
                let wallet = self.wallet_mut(name);
                wallet.balance += amount;
                wallet.entries.push((index, amount, wallet.balance));
            }
        }
        self.records.push(draft);
        index
    }

    /// The rules whose answer is recorded.
    fn check(&self, draft: &Record) -> Option<Reason> {
        let (from, to) = draft.sides;
        let (source, destination) = (&self.wallets[&from], &self.wallets[&to]);
        let statuses = [source.status, destination.status];
        if statuses.contains(&WalletStatus::Frozen) {
            return Some(("wallet_frozen", None));
        }
        if statuses.contains(&WalletStatus::Closed) {
            return Some(("wallet_closed", None));
        }
        if source.currency != destination.currency {
            return Some(("currency_mismatch", None));
        }
        if let Some(passed) = self.limit_passed(draft) {
            return Some(passed);
        }
        let available = self.available(from);
        let is_covered = source.owner.is_none() || draft.kind == TransferKind::Capture || available >= draft.units;
        if !is_covered {
            return Some(("insufficient_funds", Some(available)));
        }
        let is_in_range = source.balance - draft.units >= -UNITS_MAX && destination.balance + draft.units <= UNITS_MAX;
        let moves = draft.kind != TransferKind::Hold;
        (moves && !is_in_range).then_some(("balance_out_of_range", None))
    }
}

fn above_zero(units: i64) -> Result<(), Reason> {
    if units > 0 {
        Ok(())
    } else {
        Err(("invalid_amount", None))
    }
}
