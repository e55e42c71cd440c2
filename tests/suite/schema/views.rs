//! Nothing can be written through the views for accountants.

use std::sync::Arc;

use harness::{TestBank, on_every_backend};
use service::shell::VIEWS;

use super::Books;

on_every_backend!(views_are_not_written_through);

async fn views_are_not_written_through(bank: Arc<TestBank>) {
    let books = Books::of(bank).await;
    for view in VIEWS {
        let (name, column) = (view.name, view.columns[0].name);
        for statement in [
            format!("INSERT INTO {name} ({column}) SELECT {column} FROM {name}"),
            format!("UPDATE {name} SET {column} = {column}"),
            format!("DELETE FROM {name}"),
        ] {
            let error = books.bank.dry_run(&statement).await.expect_err(&statement).to_string();
            // PostgreSQL, then SQLite.
            let is_of_view = ["view \"v_", "because it is a view"]
                .iter()
                .any(|words| error.contains(words));
            assert!(is_of_view && error.contains(name), "{statement}\n{error}");
        }
        books.takes(&format!("SELECT * FROM {name}")).await;
    }
}
