//! Two processes on one database, one of which is stopped or killed in the middle of a commit; and one process whose
//! database goes back.

mod going_back;
mod kills;
mod registered;
mod stopped;

use harness::bank::Backend;
use harness::program::Serving;
use harness::soundness::journal_is_sound;
use harness::{Proxy, Silence};
use sea_orm::Database;

use super::{Place, User, two_customers, verifies};

/// One process runs all the time; the connection of the other to the database can be cut.
struct Two {
    place: Place,
    way: Proxy,
    url: String,
    steady: Serving,
    ana: User,
    ben: User,
}

impl Two {
    async fn new() -> Self {
        let place = Place::new(Backend::Postgres).await;
        let (front, name) = place.url.rsplit_once('/').expect("the URL names a database");
        let (server, port) = front.rsplit_once(':').expect("the URL has a port");
        let way = Proxy::start(port.parse().expect("it is a number"), Silence::Never).await;
        let url = format!("{server}:{}/{name}", way.address.port());
        let steady = place.serve().await;
        let (ana, ben) = two_customers(&place, &steady, "1000000").await;
        Self {
            place,
            way,
            url,
            steady,
            ana,
            ben,
        }
    }

    /// Starts the process whose connection can be cut.
    async fn serve_other(&self) -> Serving {
        let arguments = ["--log", "warn", "--database-url", &self.url];
        Serving::start(self.place.folder.path(), &arguments).await
    }

    fn token(&self) -> &str {
        self.ana.caller.token.as_deref().expect("a customer has a token")
    }

    /// Fails unless the journal is sound and the books balance, by two independent proofs.
    async fn assert_sound(&self) {
        let db = Database::connect(&self.place.url).await.expect("it can be opened");
        journal_is_sound(&db).await;
        db.close().await.expect("a connection can be closed");
        verifies(&self.place).await;
    }

    async fn end(self) {
        self.steady.kill().await;
        self.place.remove().await;
    }
}
