//! What the staff, and a few customers themselves, do in the demo's history besides moving money: limits, freezes, keys,
//! webhooks, sign-ins, a suspension, an erasure. So the audit log has something to tell.

use anyhow::{Context, bail};
use chrono::TimeDelta;
use secrecy::{ExposeSecret, SecretString};
use service::clock::Clock;
use service::identity::api_keys::NewApiKey;
use service::identity::{Actor, IdentityError};
use service::transfers::{Asking, NewPayment};
use service::values::{ApiKeyId, SigningScheme, WalletId, WebhookId, WebhookStatus};
use service::wallets::{Expected, StatusReason, WalletLimits};
use service::webhooks::{NewWebhook, WebhookPatch};

use super::accounts::{client_of, method};
use super::acts::{Tally, Teller, counted};
use super::calendar::{CLOSED, Calendar, ERASED, FROZEN, FROZEN_AWHILE, LIMITED, SUSPENDED, UNFROZEN};
use super::clock::HistoryClock;
use super::everyday::{Purse, purse};
use super::people::{DemoCurrency, Fate, PEOPLE, email_of, person_who};

/// What is done, each once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StaffTask {
    SignIns,
    MakeKeys,
    MakeWebhook,
    Limit,
    FreezeAwhile,
    Unfreeze,
    UseKey,
    FailSignIns,
    RevokeKey,
    PauseWebhook,
    Freeze,
    CloseSecond,
    Suspend,
    Erase,
    MakeActiveWebhook,
    MakeResetToken,
}

/// In the order in which it is done, with the day of a history of 45.
const TASKS: [(u32, StaffTask); 17] = [
    (3, StaffTask::SignIns),
    (4, StaffTask::MakeKeys),
    (6, StaffTask::MakeWebhook),
    (LIMITED, StaffTask::Limit),
    (FROZEN_AWHILE, StaffTask::FreezeAwhile),
    (UNFROZEN, StaffTask::Unfreeze),
    (16, StaffTask::UseKey),
    (18, StaffTask::FailSignIns),
    (20, StaffTask::RevokeKey),
    (22, StaffTask::PauseWebhook),
    (FROZEN, StaffTask::Freeze),
    (CLOSED, StaffTask::CloseSecond),
    (SUSPENDED, StaffTask::Suspend),
    (ERASED, StaffTask::Erase),
    (41, StaffTask::MakeActiveWebhook),
    (43, StaffTask::MakeResetToken),
    (44, StaffTask::SignIns),
];

/// What one task leaves to a later one.
#[derive(Default)]
pub struct StaffWork {
    operator_key: Option<SecretString>,
    revoked_later: Option<ApiKeyId>,
    paused_later: Option<WebhookId>,
}

const ANA: usize = 0;
const BEN: usize = 1;
const CHIDI: usize = 2;

impl StaffWork {
    /// Does what is due on a day, and gives what it moved.
    pub async fn on(
        &mut self,
        day: u32,
        calendar: Calendar,
        teller: Teller<'_>,
        clock: &HistoryClock,
    ) -> anyhow::Result<Tally> {
        let mut tally = Tally::default();
        for (of_usual, task) in TASKS {
            if calendar.is(day, of_usual) {
                let done = self.perform(task, teller, clock).await;
                tally.add(done.with_context(|| format!("the demo's history: {task:?}"))?);
            }
        }
        Ok(tally)
    }

    async fn perform(&mut self, task: StaffTask, teller: Teller<'_>, clock: &HistoryClock) -> anyhow::Result<Tally> {
        let staff = &teller.accounts.staff;
        match task {
            StaffTask::SignIns => sign_in_some(teller).await?,
            StaffTask::FailSignIns => fail_sign_ins(teller).await?,
            StaffTask::MakeKeys => self.make_keys(teller, clock).await?,
            StaffTask::UseKey => return self.use_key(teller).await,
            StaffTask::RevokeKey => {
                let (owner, key) = (customer(teller, BEN)?, self.revoked_later.context("there is a key")?);
                teller.bank.identity.api_keys.revoke(owner, key).await?;
            }
            StaffTask::MakeWebhook => {
                let types = [
                    "transfer.completed",
                    "transfer.failed",
                    "deposit.completed",
                    "hold.created",
                ];
                let hook = webhook("https://books.example/florin", "The bookkeeping", &types);
                let (made, _) = teller.bank.webhooks.create(customer(teller, ANA)?, hook).await?;
                self.paused_later = Some(made.id);
            }
            StaffTask::PauseWebhook => self.pause_webhook(teller).await?,
            StaffTask::MakeActiveWebhook => {
                // Nothing is sent there before a wallet is closed.
                let hook = webhook(
                    "https://alerts.example/wallets",
                    "Tells when a wallet is closed",
                    &["wallet.closed"],
                );
                teller.bank.webhooks.create(&staff.operator, hook).await?;
            }
            StaffTask::Limit => limit(teller).await?,
            StaffTask::FreezeAwhile => freeze(teller, Fate::FrozenAWhile, "The owner has lost their phone").await?,
            StaffTask::Unfreeze => {
                let (_, wallet) = whom(teller, Fate::FrozenAWhile)?;
                let reason = StatusReason::try_new("The phone is found");
                let wallets = &teller.bank.wallets;
                wallets
                    .unfreeze(&staff.support, wallet, reason, Expected::Anything)
                    .await?;
            }
            StaffTask::Freeze => freeze(teller, Fate::Frozen, "Unusual payments, under review").await?,
            StaffTask::CloseSecond => {
                let person = person_who(Fate::ClosesSecond).context("there is such a customer")?;
                return empty_and_close(teller, purse(person, &PEOPLE[person], 1)).await;
            }
            StaffTask::Suspend => {
                let (user, _) = whom(teller, Fate::Suspended)?;
                teller.bank.identity.suspend(&staff.support, user.user).await?;
            }
            StaffTask::Erase => {
                let person = person_who(Fate::Erased).context("there is such a customer")?;
                let closed = empty_and_close(teller, purse(person, &PEOPLE[person], 0)).await?;
                let user = customer(teller, person)?.user;
                teller.bank.identity.erase(&staff.admin, user).await?;
                return Ok(closed);
            }
            StaffTask::MakeResetToken => {
                let user = customer(teller, CHIDI)?.user;
                teller.bank.identity.make_reset_token(&staff.support, user).await?;
            }
        }
        Ok(Tally::default())
    }

    /// Two keys of customers, one of which is revoked later, and one of the operator's.
    async fn make_keys(&mut self, teller: Teller<'_>, clock: &HistoryClock) -> anyhow::Result<()> {
        let keys = &teller.bank.identity.api_keys;
        let expires_at = clock.now() + TimeDelta::days(365);
        let ana = NewApiKey {
            expires_at: Some(expires_at),
            ..key("Bookkeeping", &["wallets:read", "transfers:read"])
        };
        keys.create(customer(teller, ANA)?, ana).await?;
        let ben = key("An app that is tried out", &["wallets:read", "transfers:write"]);
        self.revoked_later = Some(keys.create(customer(teller, BEN)?, ben).await?.0.id);
        let operator = key(
            "Nightly payouts",
            &["deposits:write", "transfers:settle", "imports:read"],
        );
        self.operator_key = Some(keys.create(&teller.accounts.staff.operator, operator).await?.1);
        Ok(())
    }

    /// A deposit that a program makes with the operator's key.
    async fn use_key(&self, teller: Teller<'_>) -> anyhow::Result<Tally> {
        let keys = &teller.bank.identity.api_keys;
        let secret = self.operator_key.as_ref().context("there is a key")?;
        let program = keys.authenticate(secret.expose_secret(), None).await?;
        let to = purse(ANA, &PEOPLE[ANA], 0).and_then(|purse| teller.accounts.wallet(purse));
        let to = to.context("the customer has a wallet")?;
        let new = NewPayment {
            description: Some("Interest".to_owned()),
            ..NewPayment::new(to, Some(DemoCurrency::Usd.worth(417)), method("interest")?)
        };
        // The program may not open a method, so the operator does.
        let operator = &teller.accounts.staff.operator;
        let currency = DemoCurrency::Usd.currency();
        teller.bank.wallets.open_method(operator, &new.method, currency).await?;
        let done = counted(teller.bank.transfers.deposit(Asking::by(&program), new).await)?;
        keys.write_uses().await?;
        Ok(done)
    }

    async fn pause_webhook(&self, teller: Teller<'_>) -> anyhow::Result<()> {
        let hook = self.paused_later.context("there is a webhook")?;
        let patch = WebhookPatch {
            status: Some(WebhookStatus::Paused),
            ..WebhookPatch::default()
        };
        teller.bank.webhooks.update(customer(teller, ANA)?, hook, patch).await?;
        Ok(())
    }
}

async fn sign_in_some(teller: Teller<'_>) -> anyhow::Result<()> {
    let password = teller.accounts.password();
    for (name, place) in [
        ("ana", ANA),
        ("ben", BEN),
        ("operator", PEOPLE.len()),
        ("auditor", PEOPLE.len() + 2),
    ] {
        let (email, client) = (email_of(name), client_of(place));
        teller.bank.identity.sign_in(&email, password.clone(), &client).await?;
    }
    Ok(())
}

/// A customer mistypes the password, and a stranger tries an address that no user has.
async fn fail_sign_ins(teller: Teller<'_>) -> anyhow::Result<()> {
    for (name, place) in [("dora", 3), ("root", 200)] {
        let wrong = SecretString::from("not the password");
        let identity = &teller.bank.identity;
        match identity.sign_in(&email_of(name), wrong, &client_of(place)).await {
            Err(IdentityError::InvalidCredentials) => {}
            Err(error) => return Err(error.into()),
            Ok(_) => bail!("a wrong password was taken"),
        }
    }
    Ok(())
}

async fn limit(teller: Teller<'_>) -> anyhow::Result<()> {
    let (_, wallet) = whom(teller, Fate::Limited)?;
    let limits = WalletLimits {
        per_transfer: Some(DemoCurrency::Usd.worth(15_000)),
        per_day_amount: Some(DemoCurrency::Usd.worth(25_000)),
        per_day_count: Some(6),
    };
    let (operator, wallets) = (&teller.accounts.staff.operator, &teller.bank.wallets);
    wallets.set_limits(operator, wallet, limits, Expected::Anything).await?;
    Ok(())
}

async fn freeze(teller: Teller<'_>, fate: Fate, reason: &str) -> anyhow::Result<()> {
    let (_, wallet) = whom(teller, fate)?;
    let (support, wallets) = (&teller.accounts.staff.support, &teller.bank.wallets);
    let reason = StatusReason::try_new(reason);
    wallets.freeze(support, wallet, reason, Expected::Anything).await?;
    Ok(())
}

async fn empty_and_close(teller: Teller<'_>, purse: Option<Purse>) -> anyhow::Result<Tally> {
    let purse = purse.context("the customer has this wallet")?;
    let wallet = teller.accounts.wallet(purse).context("the customer has joined")?;
    let emptied = teller.payout(purse, 10).await?;
    let (operator, wallets) = (&teller.accounts.staff.operator, &teller.bank.wallets);
    wallets.close(operator, wallet, Expected::Anything).await?;
    Ok(emptied)
}

/// The customer to whom this happens, and their first wallet.
fn whom(teller: Teller<'_>, fate: Fate) -> anyhow::Result<(&Actor, WalletId)> {
    let person = person_who(fate).context("there is such a customer")?;
    let first = purse(person, &PEOPLE[person], 0).context("each customer has a wallet")?;
    teller
        .accounts
        .owner_and_wallet(first)
        .context("the customer has joined")
}

fn customer(teller: Teller<'_>, index: usize) -> anyhow::Result<&Actor> {
    teller.accounts.customer(index).context("the customer has joined")
}

fn key(name: &str, scopes: &[&str]) -> NewApiKey {
    NewApiKey {
        name: name.to_owned(),
        scopes: scopes.iter().map(|word| (*word).to_owned()).collect(),
        wallets: None,
        addresses: None,
        expires_at: None,
    }
}

fn webhook(url: &str, description: &str, types: &[&str]) -> NewWebhook {
    NewWebhook {
        url: url.to_owned(),
        types: Some(types.iter().map(|word| (*word).to_owned()).collect()),
        wallet_ids: None,
        description: Some(description.to_owned()),
        is_ordered: true,
        scheme: SigningScheme::Hmac,
    }
}

#[cfg(test)]
mod tests {
    use super::super::calendar::tests::noon;
    use super::*;

    #[test]
    fn tasks_are_in_their_order_and_each_has_its_day_whatever_the_length() {
        assert!(TASKS.is_sorted_by_key(|(day, _)| *day));
        for days in [1, 10, 45, 365] {
            let calendar = Calendar::new(noon(), days);
            let due = (0..days).map(|day| TASKS.iter().filter(|(of_usual, _)| calendar.is(day, *of_usual)).count());
            assert_eq!(due.sum::<usize>(), TASKS.len(), "{days} days");
        }
    }
}
