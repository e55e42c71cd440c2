//! The life of Ana in the bank, with everything in it that may tell who she was.

use std::net::IpAddr;
use std::sync::Arc;

use harness::bank::PASSWORD;
use harness::{Answer, Caller, Customer, SmtpServer, TestBank};
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use service::Services;
use service::actor::{Actor, ClientInfo};
use service::identity::api_keys::{NewApiKey, RollOverlap};
use service::identity::{Email, FullName, ProfileChange};
use service::transfers::{
    AskedAmount, Asking, HoldTerms, Metadata, NewBatch, NewPayment, NewReversal, NewTransfer, TransferError,
};
use service::values::{Method as PaymentMethod, RequestId, Role, TransferId, WalletId};

use crate::life::capture;
use crate::requests::{act, key, money, new_transfer, submit, wallet_path};

/// Ana's name, which is in her address too.
pub const NAME: &str = "analimageheim";
const ADDRESS: [u8; 4] = [203, 0, 113, 77];
/// Where the admin is who erases her.
pub const ADMINS_ADDRESS: &str = "198.51.100.9";

/// What is hers and must be gone: each is stored before the erasure.
pub const HERS: [&str; 18] = [
    NAME,
    "Anas-New-Name",
    "anas-new-address",
    "203.0.113.77",
    "AnaBrowser/7.3",
    "AnaPhone/2.1",
    "anas-stolen-phone",
    "anas-request-1",
    "anas-key-for-accounts",
    "anas-old-key",
    "hers-paid",
    "hers-metadata",
    "hers-held",
    "hers-voided",
    "hers-batch",
    "hers-withdrawn",
    "hers-as-operator-deposited",
    "hers-as-operator-reversed",
];

/// What others wrote to her, which stays.
pub const OTHERS: [&str; 3] = ["theirs-salary", "theirs-thanks", "theirs-correction"];

/// A bank in which Ana has lived, and others who stay.
pub struct AnasLife {
    pub services: Arc<Services>,
    pub ana: Customer,
    pub ben: Customer,
    pub operator: Actor,
    pub admin: Actor,
    /// Ana's wallets.
    pub wallets: [WalletId; 2],
}

impl AnasLife {
    /// Ana's whole life, with her wallets closed at its end.
    pub async fn lived(bank: &Arc<TestBank>) -> Self {
        let life = Self::begun(bank).await;
        let lunch = life.money_moves().await;
        life.works_for_the_bank(bank).await;
        life.is_looked_after(bank, lunch).await;
        life.signs_in_and_out().await;
        life.wants_to_be_called_otherwise().await;
        life.is_named_by_ben(bank).await;
        life.wallets_are_closed(bank).await;
        life
    }

    /// A new customer with 1 000 USD in one wallet and nothing in another.
    pub async fn begun(bank: &Arc<TestBank>) -> Self {
        let (mut ana, ben) = (bank.customer(NAME).await, bank.customer("ben").await);
        ana.actor = ana.actor.asking_in(RequestId::parse("anas-request-1"));
        bank.open_method("wire", "USD").await;
        let euros = bank.open_wallet(&ana, "EUR").await;
        let admin = bank.user("dora", Role::Admin).await;
        let life = Self {
            services: bank.services.clone(),
            wallets: [ana.wallet, euros],
            ana,
            ben,
            operator: bank.operator_actor().await,
            admin: Actor::new(admin.id, admin.role).from_client(ClientInfo::new(ADMINS_ADDRESS.parse().ok(), None)),
        };
        let salary = life.payment(life.ana.wallet, "1000", OTHERS[0]);
        let paid_in = life
            .services
            .transfers
            .deposit(Asking::by(&life.operator), salary)
            .await;
        paid_in.expect("an operator can deposit");
        life
    }

    /// Where Ana is.
    pub fn client() -> ClientInfo {
        ClientInfo::new(Some(IpAddr::from(ADDRESS)), Some("AnaBrowser/7.3")).asking("anas-request-1")
    }

    pub async fn signed_in(&self) -> Actor {
        let tokens = self
            .try_sign_in(PASSWORD, Self::client())
            .await
            .expect("Ana can sign in");
        let actor = self.services.identity.authenticate(&tokens);
        actor.expect("a new token is good").from_client(Self::client())
    }

    /// The access token of a sign-in with a password; `None` if it is refused.
    pub async fn try_sign_in(&self, password: &str, client: ClientInfo) -> Option<String> {
        let signed_in = self
            .services
            .identity
            .sign_in(&self.ana.email, SecretString::from(password), &client)
            .await;
        signed_in
            .ok()
            .map(|tokens| tokens.access_token.expose_secret().to_owned())
    }

    fn payment(&self, wallet: WalletId, amount: &str, text: &str) -> NewPayment {
        let method = PaymentMethod::try_new("wire").expect("this is a method");
        NewPayment {
            description: Some(text.to_owned()),
            ..NewPayment::new(wallet, Some(money(amount)), method)
        }
    }

    /// A transfer from Ana to Ben.
    pub fn to_ben(&self, amount: &str, text: &str) -> NewTransfer {
        NewTransfer {
            description: Some(text.to_owned()),
            ..new_transfer(self.ana.wallet, self.ben.wallet, amount)
        }
    }

    /// Payments, holds, a batch, a withdrawal and refusals, each with a text. Gives the first payment.
    async fn money_moves(&self) -> TransferId {
        let (services, ana, ben) = (&self.services, &self.ana.actor, &self.ben.actor);
        let paid = NewTransfer {
            metadata: Metadata::try_new(r#"{"note":"Hers-Metadata"}"#),
            ..self.to_ben("100", "hers-paid")
        };
        let asking = Asking::by(ana).with_key(key("one"));
        let paid = services.transfers.submit(asking, paid).await;
        let lunch = paid.expect("there is enough").transfer.transfer.id;
        let thanks = NewTransfer {
            description: Some(OTHERS[1].to_owned()),
            ..new_transfer(self.ben.wallet, self.ana.wallet, "10")
        };
        submit(services, ben, thanks).await.expect("ben has it");
        let held = |amount, text| NewTransfer {
            hold: HoldTerms::try_new(3_600),
            ..self.to_ben(amount, text)
        };
        let hold = submit(services, ana, held("50", "hers-held")).await;
        let hold = hold.expect("there is enough").transfer.transfer.id;
        for (amount, is_final) in [("20", false), ("10", true)] {
            let captured = capture(services, ben.clone(), hold, Some(amount), is_final).await;
            captured.expect("it is open");
        }
        let hold = submit(services, ana, held("5", "hers-voided")).await;
        let hold = hold.expect("there is enough").transfer.transfer.id;
        let voided = services.transfers.void(Asking::by(ben), hold).await;
        voided.expect("it is open");
        let batch = NewBatch {
            is_atomic: false,
            // The digest of the whole request stands on the first row, which has no texts of its own.
            transfers: vec![
                new_transfer(self.ana.wallet, self.ben.wallet, "1"),
                self.to_ben("1", "hers-batch"),
                self.to_ben("90000", "hers-batch-refused"),
            ],
        };
        let asking = Asking::by(ana).with_key(key("two"));
        let batch = services.transfers.batch(asking, batch).await.expect("it has outcomes");
        assert!(batch.items[0].is_ok() && batch.items[1].is_ok() && batch.items[2].is_err());
        let asking = Asking::by(ana).with_key(key("three"));
        let refused = services
            .transfers
            .submit(asking, self.to_ben("90000", "hers-refused"))
            .await;
        assert!(matches!(refused, Err(TransferError::Failed { .. })), "{refused:?}");
        let withdrawal = self.payment(self.ana.wallet, "7", "hers-withdrawn");
        let withdrawn = services.transfers.withdraw(Asking::by(ana), withdrawal).await;
        withdrawn.expect("there is enough");
        lunch
    }

    /// For a time Ana is an operator, who pays into the wallets of others, takes back, and imports a file.
    async fn works_for_the_bank(&self, bank: &TestBank) {
        let (services, user) = (&self.services, self.ana.actor.user);
        let identity = &services.identity;
        let operator = identity.set_role(&self.admin, user, Role::Operator).await;
        operator.expect("a role can be given");
        let ana = self.signed_in().await;
        let deposit = self.payment(self.ben.wallet, "3", "hers-as-operator-deposited");
        let asking = Asking::by(&ana).with_key(key("four"));
        let deposited = services.transfers.deposit(asking, deposit).await;
        let deposited = deposited.expect("an operator can deposit").transfer.transfer.id;
        let reversal = NewReversal {
            original: deposited,
            amount: AskedAmount::Exactly(Some(money("1"))),
            description: Some("hers-as-operator-reversed".to_owned()),
        };
        let reversed = services.transfers.reverse(Asking::by(&ana), reversal).await;
        reversed.expect("ben has it");
        let caller = bank.operator().await;
        act(&caller, &wallet_path(self.ben.wallet, "/freeze")).await.expect(200);
        let refused = self.payment(self.ben.wallet, "3", "hers-as-operator-refused");
        let asking = Asking::by(&ana).with_key(key("five"));
        let refused = services.transfers.deposit(asking, refused).await;
        assert!(matches!(refused, Err(TransferError::Failed { .. })), "{refused:?}");
        act(&caller, &wallet_path(self.ben.wallet, "/unfreeze"))
            .await
            .expect(200);
        import(&bank.sign_in(&self.ana.email).await).await;
        let customer = identity.set_role(&self.admin, user, Role::Customer).await;
        customer.expect("a role can be given");
    }

    /// What staff do to Ana, her wallets and her transfers.
    async fn is_looked_after(&self, bank: &TestBank, lunch: TransferId) {
        let identity = &self.services.identity;
        let correction = NewReversal {
            original: lunch,
            amount: AskedAmount::Exactly(Some(money("2"))),
            description: Some(OTHERS[2].to_owned()),
        };
        let corrected = self
            .services
            .transfers
            .reverse(Asking::by(&self.operator), correction)
            .await;
        corrected.expect("ben has it");
        let caller = bank.operator().await;
        let why = json!({ "reason": "anas-stolen-phone" });
        for what in ["/freeze", "/unfreeze"] {
            let path = wallet_path(self.ana.wallet, what);
            caller.post(&path, why.clone()).await.expect(200);
        }
        let user = self.ana.actor.user;
        let suspended = identity.suspend(&self.operator, user).await;
        suspended.expect("a user can be suspended");
        let activated = identity.activate(&self.operator, user).await;
        activated.expect("a user can be activated");
    }

    /// Sessions that are live, ended and over; sign-ins that fail; API keys; an export, which the audit log tells of.
    async fn signs_in_and_out(&self) {
        let identity = &self.services.identity;
        assert!(self.try_sign_in("not her password", Self::client()).await.is_none());
        let first = self.signed_in().await;
        identity.sign_out(&first, None).await.expect("she can sign out");
        let ana = self.signed_in().await;
        let new = |name: &str| NewApiKey {
            name: name.to_owned(),
            scopes: vec!["wallets:read".to_owned()],
            wallets: Some(vec![self.ana.wallet]),
            addresses: Some(vec!["203.0.113.77".to_owned()]),
            expires_at: None,
        };
        let made = identity.api_keys.create(&ana, new("anas-key-for-accounts")).await;
        let (made, _) = made.expect("a key can be made");
        let rolled = identity.api_keys.roll(&ana, made.id, RollOverlap::default()).await;
        rolled.expect("a key can be rolled");
        let old = identity.api_keys.create(&ana, new("anas-old-key")).await;
        let (old, _) = old.expect("a key can be made");
        let revoked = identity.api_keys.revoke(&ana, old.id).await;
        revoked.expect("a key can be revoked");
        let noted = identity.note_export(Some(&ana), ana.user).await;
        noted.expect("an export can be noted");
    }

    /// Another name, a password that is set with a token, and a token for another address, which Ana does not use.
    async fn wants_to_be_called_otherwise(&self) {
        let (identity, user) = (&self.services.identity, self.ana.actor.user);
        let name = ProfileChange {
            full_name: FullName::try_new("Anas-New-Name"),
            email: None,
        };
        let renamed = identity.change_profile(&self.signed_in().await, name).await;
        renamed.expect("a name can be changed");
        let made = identity.make_reset_token(&self.operator, user).await;
        let made = made.expect("a token can be made");
        let phone = ClientInfo::new(Some(IpAddr::from(ADDRESS)), Some("AnaPhone/2.1"));
        let reset = identity.reset_password(&made.token, PASSWORD.into(), &phone);
        reset.await.expect("the token is good");
        // The reset has ended her sessions; this one ends with the erasure.
        self.signed_in().await;
        let address = Email::try_new("anas-new-address@example.com").expect("this is an address");
        let made = identity.make_email_token(&self.operator, user, address).await;
        made.expect("a token can be made");
    }

    /// Ben asks for Ana's address, so a token of his names it.
    async fn is_named_by_ben(&self, bank: &TestBank) {
        let server = SmtpServer::start().await;
        let there = bank.replica_with(|config| config.mail = Some(server.config())).await;
        let change = ProfileChange {
            full_name: None,
            email: Email::try_new(&self.ana.email),
        };
        let asked = there.identity.change_profile(&self.ben.actor, change).await;
        asked.expect("a taken address is answered too");
        there.stop().await;
    }

    /// Ana pays what she has to Ben, and an operator closes her wallets.
    pub async fn wallets_are_closed(&self, bank: &TestBank) {
        let rest = bank.balances(&[self.ana.wallet]).await.remove(0);
        let paid = submit(
            &self.services,
            &self.ana.actor,
            new_transfer(self.ana.wallet, self.ben.wallet, &rest),
        );
        paid.await.expect("she has it");
        let caller = bank.operator().await;
        for wallet in self.wallets {
            act(&caller, &wallet_path(wallet, "/close")).await.expect(200);
        }
    }
}

/// Uploads a file of one row, and waits until it is imported.
async fn import(caller: &Caller) {
    let file = "timestamp,type,payment_method,amount\n2026-01-05T03:00:00,deposit,wire,1\n";
    let body = format!(
        "--florin\r\ncontent-disposition: form-data; name=\"file\"; filename=\"feed.csv\"\r\n\
         content-type: text/csv\r\n\r\n{file}\r\n--florin--\r\n"
    );
    let request = caller
        .request(Method::POST, "/v1/imports/transactions")
        .header("content-type", "multipart/form-data; boundary=florin")
        .body(body);
    let import = Answer::of(request).await.expect(202);
    let path = format!("/v1/imports/{}", import["id"].as_str().expect("an import has an id"));
    while caller.get(&path).await.expect(200)["status"] == "RUNNING" {
        tokio::task::yield_now().await;
    }
}
