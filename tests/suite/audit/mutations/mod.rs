//! Every mutation of the services, and what it leaves in the audit log: exactly its lines where it is done, none where
//! it is refused, and where a line cannot be written the mutation is answered as a fault and nothing has changed.
//! `table` has the mutations, `unlogged` the methods without a line, and `source` reads the services so that neither
//! list misses a method. `kills` cuts the connection at every round trip.

mod cases;
mod kills;
mod scene;
mod source;
mod stored;
mod table;
mod unlogged;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use harness::{TestBank, on_every_backend};
use service::audit::AuditAction;
use service::db::Fault;
use service::identity::IdentityError;
use service::identity::api_keys::ApiKeyError;
use service::imports::ImportError;
use service::transfers::TransferError;
use service::wallets::WalletError;
use service::webhooks::WebhooksError;

use scene::{LogState, Scene};
use stored::StoredState;
use table::mutations;

on_every_backend!(
    every_mutation_leaves_its_lines,
    a_refused_mutation_changes_nothing_and_leaves_no_line,
    a_mutation_whose_line_cannot_be_written_is_a_fault_and_changes_nothing,
);

/// A mutation that is ready to be asked for, with its answer.
pub type Act = Pin<Box<dyn Future<Output = ActAnswer> + Send>>;

/// The preparation of a mutation: everything that has to be there before.
pub type Prepared<'s> = Pin<Box<dyn Future<Output = Act> + 's>>;

/// Prepares a mutation.
pub type Case = fn(&Scene) -> Prepared<'_>;

/// A mutation, and what it leaves.
pub struct Mutation {
    /// The public method, as `Handle::method`.
    pub method: &'static str,
    /// The lines that it leaves when it is done.
    pub lines: &'static [AuditAction],
    /// Whether it changes rows beside the audit log. Where it does not, the line is all that there is of it.
    pub changes_rows: bool,
    /// It is done.
    pub done: Case,
    /// It is not.
    pub opposite: Opposite,
}

/// When a mutation changes nothing and leaves no line.
pub enum Opposite {
    /// A rule refuses it.
    Refused(Case),
    /// It is answered as done, since it was done before.
    Unchanged(Case),
    /// No rule refuses it; says why.
    NoRule(&'static str),
}

/// What a mutation was answered.
#[derive(Debug, PartialEq, Eq)]
pub enum ActAnswer {
    Done,
    /// A rule refused it.
    Refused(String),
    /// It failed, and may be tried again.
    Fault(String),
}

/// An error of a service.
pub trait AnsweredError: fmt::Debug {
    /// False for the refusal of a rule.
    fn is_fault(&self) -> bool;
}

impl ActAnswer {
    fn of<T, E: AnsweredError>(answer: Result<T, E>) -> Self {
        match answer {
            Ok(_) => Self::Done,
            Err(error) if error.is_fault() => Self::Fault(format!("{error:?}")),
            Err(error) => Self::Refused(format!("{error:?}")),
        }
    }
}

impl AnsweredError for Fault {
    fn is_fault(&self) -> bool {
        true
    }
}

impl AnsweredError for IdentityError {
    fn is_fault(&self) -> bool {
        matches!(
            self,
            Self::Fault(_) | Self::WalletLater(_) | Self::Wallet(_) | Self::ErasureUnfinished(_)
        )
    }
}

impl AnsweredError for ApiKeyError {
    fn is_fault(&self) -> bool {
        matches!(self, Self::Fault(_))
    }
}

impl AnsweredError for WebhooksError {
    fn is_fault(&self) -> bool {
        matches!(self, Self::Fault(_))
    }
}

impl AnsweredError for WalletError {
    fn is_fault(&self) -> bool {
        matches!(self, Self::Fault(_) | Self::Submit(_))
    }
}

impl AnsweredError for TransferError {
    fn is_fault(&self) -> bool {
        matches!(self, Self::Fault(_) | Self::Submit(_))
    }
}

impl AnsweredError for ImportError {
    fn is_fault(&self) -> bool {
        matches!(self, Self::Fault(_))
    }
}

impl Mutation {
    /// Whether it was done since `before`. Fails if its lines are there without what they tell of, or the other way
    /// round, or only some of its lines.
    #[track_caller]
    fn is_there(&self, before: &StoredState, now: &StoredState) -> bool {
        let lines = now.lines_since(before);
        let has_changed = now.rows_differ_from(before);
        if lines.is_empty() {
            assert!(!has_changed, "{self}: something has changed, without a line");
            return false;
        }
        let mut expected: Vec<&str> = self.lines.iter().map(|action| action.as_str()).collect();
        expected.sort_unstable();
        assert_eq!(lines, expected, "{self}");
        assert_eq!(has_changed, self.changes_rows, "{self}: whether rows have changed");
        true
    }
}

impl fmt::Display for Mutation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.method, self.lines)
    }
}

async fn every_mutation_leaves_its_lines(bank: Arc<TestBank>) {
    let mut scene = Scene::set(bank).await;
    for mutation in mutations() {
        let tried = scene.tried(mutation.done, LogState::Open).await;
        assert_eq!(tried.answer, ActAnswer::Done, "{mutation}");
        assert!(
            mutation.is_there(&tried.before, &tried.after),
            "{mutation} leaves no line"
        );
    }
}

async fn a_refused_mutation_changes_nothing_and_leaves_no_line(bank: Arc<TestBank>) {
    let mut scene = Scene::set(bank).await;
    for mutation in mutations() {
        let (case, is_refused) = match mutation.opposite {
            Opposite::Refused(case) => (case, true),
            Opposite::Unchanged(case) => (case, false),
            Opposite::NoRule(why) => {
                assert!(!why.is_empty(), "{mutation}: say why no rule refuses it");
                continue;
            }
        };
        let tried = scene.tried(case, LogState::Open).await;
        let is_right = match &tried.answer {
            ActAnswer::Done => !is_refused,
            ActAnswer::Refused(_) => is_refused,
            ActAnswer::Fault(_) => false,
        };
        assert!(is_right, "{mutation}: {:?}", tried.answer);
        tried.expect_nothing(mutation);
    }
}

async fn a_mutation_whose_line_cannot_be_written_is_a_fault_and_changes_nothing(bank: Arc<TestBank>) {
    let mut scene = Scene::set(bank).await;
    for mutation in mutations() {
        let tried = scene.tried(mutation.done, LogState::Hidden).await;
        assert!(
            matches!(tried.answer, ActAnswer::Fault(_)),
            "{mutation}: {:?}",
            tried.answer
        );
        tried.expect_nothing(mutation);
    }
}
