//! Reading the audit log: lists compared with a plain filter over all rows, and exports.

use std::sync::Arc;

use chrono::TimeDelta;
use entity::{audit_details, audit_lines};
use harness::audit_history::{BUSY_ACTOR, BUSY_SUBJECT, OLD_ACTOR};
use harness::{AuditHistory, TestBank, on_every_backend};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sea_orm::{EntityTrait, QueryOrder, Set};
use service::audit::{AuditAction, AuditFilter, StoredAuditLine, StoredAuditSubject};
use service::clock::{Clock, id_at};
use service::page::PageRequest;
use service::values::{AuditId, Timestamp};
use uuid::Uuid;

on_every_backend!(
    every_list_is_what_a_plain_filter_finds,
    a_line_is_shown_as_it_is_stored,
    an_export_has_every_line_a_page_at_a_time,
    an_actor_of_a_busy_subject_is_found_page_by_page,
);

const SEED: u64 = 16;
const LISTS: usize = 300;

/// All pages of a list.
async fn all(bank: &TestBank, filter: AuditFilter, limit: u64) -> (Vec<StoredAuditLine>, usize) {
    let (mut found, mut pages) = (Vec::new(), 0);
    let mut request = PageRequest { limit, after: None };
    loop {
        let page = bank.services.audit.list(filter, request).await;
        let page = page.expect("the audit log can be read");
        assert!(page.items.len() as u64 <= limit, "a page of {}", page.items.len());
        found.extend(page.items);
        pages += 1;
        let Some(next) = page.next else { return (found, pages) };
        request.after = Some(next);
    }
}

async fn rows(bank: &TestBank) -> Vec<audit_lines::Model> {
    let rows = audit_lines::Entity::find().order_by_desc(audit_lines::Column::Id);
    rows.all(&bank.db.read).await.expect("the audit log can be read")
}

/// The ids that a plain filter finds, newest first.
fn plain(rows: &[audit_lines::Model], filter: &AuditFilter) -> Vec<AuditId> {
    let is_admitted = |row: &&audit_lines::Model| {
        filter.actor.is_none_or(|actor| row.actor_id == Some(actor))
            && filter.action.is_none_or(|action| row.action == action.as_str())
            && filter.subject.is_none_or(|subject| row.subject_id == Some(subject))
            && filter.from.is_none_or(|from| row.at >= from)
            && filter.to.is_none_or(|to| row.at < to)
    };
    rows.iter().filter(is_admitted).map(|row| row.id).collect()
}

async fn store(bank: &TestBank, lines: u32) -> AuditHistory {
    let history = AuditHistory {
        lines,
        since: bank.clock.now() - TimeDelta::days(1),
    };
    history.store(&bank.db.write).await;
    history
}

/// A filter with values of rows: of one row, so that it finds that one, or of several.
fn drawn(rows: &[audit_lines::Model], dice: &mut StdRng) -> AuditFilter {
    let one = dice.random_range(0..rows.len());
    let is_of_one = dice.random_bool(0.6);
    let mut row = |share: f64| {
        let index = if is_of_one {
            one
        } else {
            dice.random_range(0..rows.len())
        };
        dice.random_bool(share).then(|| &rows[index])
    };
    let (by, what, whom) = (row(0.5), row(0.5), row(0.5));
    let mut times = [row(0.3), row(0.3)].map(|row| row.map(|row| row.at));
    if times[0] > times[1] {
        times.swap(0, 1);
    }
    let [from, last] = times;
    AuditFilter {
        actor: by.and_then(|row| row.actor_id),
        action: what.and_then(|row| AuditAction::from_word(&row.action)),
        subject: whom.and_then(|row| row.subject_id),
        from,
        // Just after the row, so that a range of one row has it.
        to: last.map(|last| last + TimeDelta::microseconds(1)),
    }
}

async fn every_list_is_what_a_plain_filter_finds(bank: Arc<TestBank>) {
    store(&bank, 400).await;
    let rows = rows(&bank).await;
    let mut dice = StdRng::seed_from_u64(SEED);
    let (mut found, mut paged, mut compared) = (0, 0, 0);
    for _ in 0..LISTS {
        let filter = drawn(&rows, &mut dice);
        let (lines, pages) = all(&bank, filter, dice.random_range(1..=60)).await;
        let ids: Vec<AuditId> = lines.iter().map(|line| line.id).collect();
        assert_eq!(ids, plain(&rows, &filter), "{filter:?}");
        found += usize::from(!ids.is_empty());
        paged += usize::from(pages > 1);
        compared += usize::from(!ids.is_empty() && filter.actor.is_some() && filter.subject.is_some());
    }
    assert!(
        found > LISTS / 2 && paged > LISTS / 10 && compared > 10,
        "{found} {paged} {compared}"
    );
}

/// Words of a newer program, a line without details, and all that can be erased.
async fn a_line_is_shown_as_it_is_stored(bank: Arc<TestBank>) {
    let at = bank.clock.now() - TimeDelta::days(2);
    let whole = stored_line(at, "song.sung", Some("song"));
    let bare = stored_line(at + TimeDelta::seconds(1), "bank.started", None);
    let ids = [whole.id, bare.id];
    let rows = [&whole, &bare].map(|line| audit_lines::ActiveModel {
        id: Set(line.id),
        at: Set(line.at),
        action: Set(line.action.clone()),
        actor_id: Set(line.actor),
        api_key_id: Set(line.api_key),
        subject_kind: Set(line.subject.as_ref().map(|subject| subject.kind.clone())),
        subject_id: Set(line.subject.as_ref().map(|subject| subject.id)),
        person_id: Set(None),
    });
    let written = audit_lines::Entity::insert_many(rows).exec_without_returning(&bank.db.write);
    written.await.expect("lines can be written");
    let details = audit_details::ActiveModel {
        id: Set(whole.id),
        address: Set(whole.address.clone()),
        user_agent: Set(whole.user_agent.clone()),
        request_id: Set(whole.request.clone()),
        email_digest: Set(None),
        before: Set(whole.before.clone()),
        after: Set(whole.after.clone()),
    };
    let written = audit_details::Entity::insert(details).exec_without_returning(&bank.db.write);
    written.await.expect("details can be written");
    let filter = AuditFilter {
        to: Some(at + TimeDelta::minutes(1)),
        ..AuditFilter::default()
    };
    assert_eq!(all(&bank, filter, 10).await.0, [bare.clone(), whole.clone()]);
    let of_subject = AuditFilter {
        subject: whole.subject.as_ref().map(|subject| subject.id),
        ..filter
    };
    assert_eq!(all(&bank, of_subject, 10).await.0, std::slice::from_ref(&whole));
    // An erasure empties the details.
    bank.execute(&format!(
        "UPDATE audit_details SET address = NULL, user_agent = NULL, request_id = NULL, \"before\" = NULL, \
         \"after\" = NULL WHERE id = {}",
        bank.literal(ids[0].0)
    ))
    .await;
    let erased = StoredAuditLine {
        address: None,
        user_agent: None,
        request: None,
        before: None,
        after: None,
        ..whole
    };
    assert_eq!(all(&bank, filter, 10).await.0, [bare, erased]);
}

/// A line with details, if it has a subject.
fn stored_line(at: Timestamp, action: &str, kind: Option<&str>) -> StoredAuditLine {
    let of = |text: &str| kind.map(|_| text.to_owned());
    StoredAuditLine {
        id: AuditId(id_at(at)),
        at,
        action: action.to_owned(),
        actor: kind.map(|_| BUSY_ACTOR),
        api_key: None,
        subject: kind.map(|kind| StoredAuditSubject {
            kind: kind.to_owned(),
            id: Uuid::from_u128(77),
        }),
        address: of("2001:db8::1"),
        user_agent: of("test/1"),
        request: of("request-1"),
        before: of("{\"verse\":1}"),
        after: of("{\"verse\":2}"),
    }
}

async fn an_export_has_every_line_a_page_at_a_time(bank: Arc<TestBank>) {
    let history = store(&bank, 2_500).await;
    let rows = rows(&bank).await;
    let until = AuditFilter {
        to: Some(history.time(history.lines) + TimeDelta::milliseconds(1)),
        ..AuditFilter::default()
    };
    let of_both = AuditFilter {
        actor: Some(BUSY_ACTOR),
        subject: Some(BUSY_SUBJECT),
        ..until
    };
    for (filter, sizes) in [(until, &[1_000_usize, 1_000, 500][..]), (of_both, &[188][..])] {
        let mut export = bank.services.audit.export(filter);
        let (mut found, mut pages) = (Vec::new(), Vec::new());
        while let Some(page) = export.next_page().await.expect("the audit log can be read") {
            pages.push(page.len());
            found.extend(page.into_iter().map(|line| line.id));
        }
        assert_eq!(found, plain(&rows, &filter));
        assert_eq!(pages, sizes);
        let after_the_end = export.next_page().await.expect("nothing is read");
        assert_eq!(after_the_end, None);
    }
    let none = AuditFilter {
        to: Some(history.time(0)),
        ..AuditFilter::default()
    };
    let page = bank.services.audit.export(none).next_page().await;
    assert_eq!(page.expect("the audit log can be read"), None);
}

/// The subject has more lines than a page looks at.
async fn an_actor_of_a_busy_subject_is_found_page_by_page(bank: Arc<TestBank>) {
    store(&bank, 36_000).await;
    let rare = AuditFilter {
        actor: Some(OLD_ACTOR),
        subject: Some(BUSY_SUBJECT),
        ..AuditFilter::default()
    };
    let (found, pages) = all(&bank, rare, 50).await;
    assert!(found.is_empty() && pages == 2, "{} in {pages} pages", found.len());
    let mut export = bank.services.audit.export(rare);
    assert_eq!(export.next_page().await.expect("the audit log can be read"), None);
    let rows = rows(&bank).await;
    for filter in [
        AuditFilter {
            actor: Some(BUSY_ACTOR),
            ..rare
        },
        AuditFilter {
            actor: Some(BUSY_ACTOR),
            action: Some(AuditAction::UserSignedIn),
            ..rare
        },
    ] {
        let (found, _) = all(&bank, filter, 500).await;
        let ids: Vec<AuditId> = found.into_iter().map(|line| line.id).collect();
        assert!(ids == plain(&rows, &filter) && ids.len() > 1_000, "{}", ids.len());
    }
}
