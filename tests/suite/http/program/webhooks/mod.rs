//! The program sends webhooks and streams of events, and is killed while it does.

mod complete;
mod fleet;
mod kills;
mod memory;
mod secrets;

use std::time::Duration;

use harness::program::Serving;
use harness::{Backend, Caller, HookReceiver};
use serde_json::{Value, json};

use super::{Place, User, customer, operator};

/// The arguments of a server whose webhooks may go to this machine.
const SENDING: [&str; 4] = ["--log", "warn", "--webhooks-private", "allow"];
/// How long a client waits after a fault before it tries again.
const PAUSE: Duration = Duration::from_millis(20);

/// A bank that one program serves, with two customers, an operator and a receiver.
struct SendingBank {
    place: Place,
    first: Serving,
    ana: User,
    ben: User,
    operator: Caller,
    receiver: HookReceiver,
}

impl SendingBank {
    async fn new(backend: Backend) -> Self {
        let place = Place::new(backend).await;
        let first = serve(&place).await;
        let (ana, ben) = (customer(&first, "ana").await, customer(&first, "ben").await);
        let operator = operator(&place, &first).await;
        for user in [&ana, &ben] {
            let path = format!("/v1/wallets/{}/deposits", user.wallet());
            let deposit = json!({ "amount": "1000000", "method": "visa" });
            operator.post(&path, deposit).await.expect(201);
        }
        Self {
            place,
            first,
            ana,
            ben,
            operator,
            receiver: HookReceiver::start().await,
        }
    }

    /// Ana's caller at another server of the bank.
    fn ana_at(&self, server: &Serving) -> Caller {
        let token = self.ana.caller.token.as_deref().expect("a customer has a token");
        server.caller().with_token(token)
    }

    /// Ana pays Ben so many times through a server; gives the ids of the transfers.
    async fn pays(&self, server: &Serving, times: usize) -> Vec<Value> {
        let caller = self.ana_at(server);
        let mut paid = Vec::new();
        for _ in 0..times {
            let made = caller.post("/v1/transfers", self.ana.one_to(&self.ben)).await;
            paid.push(made.expect(201)["id"].clone());
        }
        paid
    }
}

async fn serve(place: &Place) -> Serving {
    Serving::start(place.folder.path(), &place.arguments(&SENDING)).await
}
