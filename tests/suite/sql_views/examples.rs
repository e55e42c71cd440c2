//! The worked questions of `docs/sql.md` have the same answers on both databases.

use std::sync::Arc;

use harness::{Backend, TestBank};
use sea_orm::prelude::Uuid;
use service::shell::SqlAnswer;
use service::values::Timestamp;

use super::documented::document;
use super::{LedgerScene, read};

/// The account that the document asks about.
const ACCOUNT: &str = "01a22dd1-047f-7765-bc2a-2ea97509a49f";

fn questions() -> Vec<String> {
    let document = document();
    let blocks = document.split("```sql\n").skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap_or_default().to_owned())
        .collect()
}

/// The rows, with ids by the order in which they come, and without times: two banks have the same of neither.
fn comparable(answer: &SqlAnswer) -> Vec<Vec<String>> {
    let mut ids: Vec<String> = Vec::new();
    let mut shown = |text: String| {
        if Uuid::try_parse(&text).is_ok() {
            let known = ids.iter().position(|id| *id == text);
            let index = known.unwrap_or(ids.len());
            if known.is_none() {
                ids.push(text);
            }
            format!("id {index}")
        } else if text.parse::<Timestamp>().is_ok() {
            "time".to_owned()
        } else {
            text
        }
    };
    let rows = answer.rows.iter();
    rows.map(|row| row.iter().map(|value| shown(value.to_string())).collect())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_question_has_the_same_answer_on_both_databases() {
    let questions = questions();
    assert_eq!(questions.len(), 10);
    let mut answers: Vec<Vec<Vec<Vec<String>>>> = Vec::new();
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let bank = Arc::new(TestBank::open(backend).await);
        let scene = LedgerScene::set(&bank).await;
        let account = scene.life.ana.1.to_string();
        let mut of_bank = Vec::new();
        for question in &questions {
            let question = question.trim().trim_end_matches(';').replace(ACCOUNT, &account);
            let answer = read(&scene.reader, &question).await;
            assert!(!answer.rows.is_empty(), "no rows: {question}");
            of_bank.push(comparable(&answer));
        }
        answers.push(of_bank);
        scene.close().await;
        bank.close().await;
    }
    for (index, question) in questions.iter().enumerate() {
        assert_eq!(answers[0][index], answers[1][index], "{question}");
    }
    let verdict = &answers[0][2][0];
    assert_eq!(verdict.last().map(String::as_str), Some("equal"), "{verdict:?}");
    assert_eq!(answers[0][3], [["5", "0"]]);
}
