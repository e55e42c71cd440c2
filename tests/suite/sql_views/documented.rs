//! `docs/sql.md`, the words of `\d` and both databases have the same views and columns, in the same order.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use harness::{Backend, TestBank, on_every_backend};
use sea_orm::prelude::Uuid;
use service::shell::{AccountingView, ColumnKind, VIEWS};
use service::values::Timestamp;

use super::{LedgerScene, read, units};

on_every_backend!(
    every_column_is_there_in_its_order,
    values_look_as_their_kind_says,
    types_are_those_of_the_database,
);

/// The document.
pub fn document() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/sql.md");
    fs::read_to_string(path).expect("there is a docs/sql.md")
}

/// What the document should say of a view.
fn section(view: &AccountingView) -> String {
    let mut about = view.about.to_owned();
    about[..1].make_ascii_uppercase();
    let mut text = format!(
        "### `{}`\n\n{about}.\n\n| column | type | meaning |\n|---|---|---|\n",
        view.name
    );
    for column in view.columns {
        text.push_str(&format!(
            "| `{}` | {} | {} |\n",
            column.name,
            column.kind.as_str(),
            column.about
        ));
    }
    text
}

#[test]
fn the_document_has_every_view_and_column() {
    let document = document();
    let mut begins = Vec::new();
    for view in VIEWS {
        let section = section(&view);
        let begin = document.find(&format!("{section}\n"));
        begins.push(begin.unwrap_or_else(|| panic!("docs/sql.md should have:\n\n{section}")));
    }
    assert!(begins.is_sorted(), "the views have another order");
    assert_eq!(
        document.matches("\n### `").count(),
        VIEWS.len(),
        "it describes a view that is not there"
    );
}

async fn every_column_is_there_in_its_order(bank: Arc<TestBank>) {
    let scene = LedgerScene::set(&bank).await;
    for view in VIEWS {
        let answer = read(&scene.reader, &format!("SELECT * FROM {}", view.name)).await;
        let names: Vec<&str> = view.columns.iter().map(|column| column.name).collect();
        assert_eq!(answer.columns, names, "{}", view.name);
        assert!(!answer.rows.is_empty(), "{} is empty", view.name);
    }
    let sql = match bank.backend {
        Backend::Postgres => "SELECT viewname AS name FROM pg_views WHERE schemaname = current_schema() ORDER BY 1",
        Backend::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'view' ORDER BY 1",
    };
    let found: Vec<String> = scene.rows(sql).await.iter().map(|row| row["name"].clone()).collect();
    let mut names = VIEWS.map(|view| view.name);
    names.sort_unstable();
    assert_eq!(found, names, "a view is not described");
    scene.close().await;
}

async fn values_look_as_their_kind_says(bank: Arc<TestBank>) {
    let scene = LedgerScene::set(&bank).await;
    for view in VIEWS {
        for row in scene.rows(&format!("SELECT * FROM {}", view.name)).await {
            for column in view.columns {
                let value = &row[column.name];
                assert!(
                    value.is_empty() || looks_as(column.kind, value),
                    "{}.{}: {value}",
                    view.name,
                    column.name
                );
            }
        }
    }
    scene.close().await;
}

fn looks_as(kind: ColumnKind, value: &str) -> bool {
    match kind {
        ColumnKind::Id => Uuid::try_parse(value).is_ok_and(|id| id.to_string() == value),
        ColumnKind::Text => true,
        ColumnKind::Amount => {
            units(value);
            true
        }
        ColumnKind::Integer => value.parse::<i64>().is_ok_and(|number| number.to_string() == value),
        ColumnKind::Time => value
            .parse::<Timestamp>()
            .is_ok_and(|time| service::values::time_text(time) == value),
        ColumnKind::Date => value.len() == 10 && format!("{value}T00:00:00Z").parse::<Timestamp>().is_ok(),
    }
}

async fn types_are_those_of_the_database(bank: Arc<TestBank>) {
    let scene = LedgerScene::set(&bank).await;
    if bank.backend == Backend::Postgres {
        for view in VIEWS {
            let sql = format!(
                "SELECT data_type || coalesce('.' || numeric_scale, '') || coalesce('.' || collation_name::text, '') AS type \
                 FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = '{}' ORDER BY ordinal_position",
                view.name
            );
            let rows = scene.rows(&sql).await;
            for (row, column) in rows.iter().zip(view.columns) {
                let expected = match column.kind {
                    ColumnKind::Id => "uuid",
                    // Sorts by its bytes, as on SQLite.
                    ColumnKind::Text => "text.C",
                    ColumnKind::Amount => "numeric.4",
                    ColumnKind::Integer => "bigint.0",
                    ColumnKind::Time => "timestamp with time zone",
                    ColumnKind::Date => "date",
                };
                assert_eq!(row["type"], expected, "{}.{}", view.name, column.name);
            }
        }
    } else {
        for view in VIEWS {
            for column in view.columns {
                let is_integer = column.kind == ColumnKind::Integer;
                let expected = if is_integer { "integer" } else { "text" };
                let sql = format!(
                    "SELECT count(*) AS n FROM {} WHERE typeof({}) NOT IN ('{expected}', 'null')",
                    view.name, column.name
                );
                assert_eq!(scene.rows(&sql).await[0]["n"], "0", "{}.{}", view.name, column.name);
            }
        }
    }
    scene.close().await;
}
