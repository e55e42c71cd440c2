//! `florin journal`: signs the newest row of the journal, and proves that the journal extends an older one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use service::config::Config;
use service::db::Db;
use service::ledger::{Check, Extension, JournalSpan, VerifyError, bank_clock, verify_extension};
use service::receipts::{JournalKeys, SignedHead, TrustedKeys, check_head_in, ledger_id, sign_newest};
use service::values::Timestamp;

use super::documents::{read_document, read_keys, retired_key_note, shown};
use super::table::visible;
use super::verify::{row_to_json, row_to_text};
use super::verify_bar::VerifyBar;
use super::wrong_use::WrongUse;
use super::{Ending, Settings, bank, counted, print};
use crate::wire::time_text;

#[derive(Debug, Subcommand)]
pub enum JournalAction {
    /// Print the journal's newest row, signed, as JSON; publish one a day where the bank cannot change it
    Head,
    /// Prove that the journal extends an older head: nothing up to that row was changed since
    Verify(OlderHead),
}

#[derive(Debug, Args)]
pub struct OlderHead {
    /// A file with the older head, or with a receipt; - is standard input (`florin verify --since` takes the number of a row
    /// instead)
    #[arg(long, value_name = "HEAD")]
    since: PathBuf,

    /// The bank's public keys, as it publishes them at /.well-known/florin-keys.json; by default those of its key file
    #[arg(long = "key", value_name = "KEYS")]
    keys: Option<PathBuf>,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Whether the journal extends a head.
struct HeadVerdict {
    file: String,
    /// The head, if a trusted key has signed it.
    head: Option<SignedHead>,
    /// When that key was retired.
    key_retired_at: Option<Timestamp>,
    /// Why the journal does not extend it.
    why: Option<String>,
    /// The rows after it, if the journal has its row.
    walked: Option<(JournalSpan, Check)>,
}

pub async fn run(settings: &Settings, action: JournalAction) -> anyhow::Result<Ending> {
    let config = settings.config()?;
    match action {
        JournalAction::Head => head(&config).await,
        JournalAction::Verify(options) => verify(&config, &options).await,
    }
}

async fn head(config: &Config) -> anyhow::Result<Ending> {
    let db = bank::connect_existing(config).await?;
    // A mistyped path must not become a new key, whose heads no set of the bank proves.
    let keys = JournalKeys::open(&config.journal_key_file)?;
    let clock = bank_clock(&db).await.context("cannot read the bank's clock")?;
    let head = sign_newest(&db, &keys, clock.now()).await;
    db.close().await;
    print(format_args!("{:#}", head.context("cannot read the journal")?.to_json()))?;
    Ok(Ending::Done)
}

async fn verify(config: &Config, options: &OlderHead) -> anyhow::Result<Ending> {
    let text = read_head(&options.since)?;
    let given = options.keys.as_deref().map(read_keys).transpose()?;
    let db = bank::connect_existing(config).await?;
    let keys = match given {
        Some(keys) => keys,
        None => TrustedKeys::of(JournalKeys::open(&config.journal_key_file)?.public()),
    };
    let verdict = judge(&db, shown(&options.since), &text, &keys).await;
    db.close().await;
    let verdict = verdict.context("cannot read the journal")?;
    if options.json {
        print(format_args!("{:#}", verdict.to_json()))?;
    } else {
        print(verdict.to_text().trim_end())?;
    }
    Ok(if verdict.is_proved() {
        Ending::Done
    } else {
        Ending::FoundWrong
    })
}

/// The text of the file. A number in its place is likely meant for `florin verify`.
fn read_head(path: &Path) -> Result<String, WrongUse> {
    let number = path.to_str().and_then(|text| text.parse::<u64>().ok());
    read_document(path).map_err(|WrongUse(why)| match number {
        Some(_) => WrongUse(format!(
            "{why}; --since is a file here; florin verify --since takes a number"
        )),
        None => WrongUse(why),
    })
}

/// Checks the head's signature and its ledger, and walks the journal from its row.
async fn judge(db: &Db, file: String, text: &str, keys: &TrustedKeys) -> anyhow::Result<HeadVerdict> {
    let mut verdict = HeadVerdict {
        file,
        head: None,
        key_retired_at: None,
        why: None,
        walked: None,
    };
    let head = match check_head_in(text, keys) {
        Ok(head) => head,
        Err(fault) => {
            verdict.why = Some(fault.to_string());
            return Ok(verdict);
        }
    };
    let ours = ledger_id(db).await?;
    if ours == head.ledger {
        verdict.walk(db, &head).await?;
    } else {
        let theirs = head.ledger;
        verdict.why = Some(format!("it is of the ledger {theirs}, and this database has {ours}"));
    }
    verdict.key_retired_at = keys.find(&head.key_id).and_then(|key| key.retired_at);
    verdict.head = Some(head);
    Ok(verdict)
}

/// The database went back to an earlier state, or its history was rewritten.
fn other_history(head: &SignedHead, newest: i64) -> String {
    let (number, digest) = (head.number, head.digest);
    format!("the journal has no row {number} with the digest {digest}; its newest row is {newest}")
}

impl HeadVerdict {
    /// Walks the journal after the row of the head. That row is compared as the walk has read it: another reading could see
    /// another one.
    async fn walk(&mut self, db: &Db, head: &SignedHead) -> anyhow::Result<()> {
        let progress = Arc::default();
        let bar = VerifyBar::watching(&progress, "checking the journal")?;
        let walked = verify_extension(db, (head.number, head.digest), &progress).await;
        bar.end();
        let Extension { span, check, has_row } = match walked {
            Ok(walked) => walked,
            Err(VerifyError::NoSuchRow { head: newest, .. }) => {
                self.why = Some(other_history(head, newest));
                return Ok(());
            }
            Err(VerifyError::Fault(fault)) => return Err(fault.into()),
        };
        if !has_row {
            let newest = span.head.as_ref().map_or(0, |row| row.number);
            self.why = Some(other_history(head, newest));
            return Ok(());
        }
        if !check.offenders.is_empty() {
            self.why = Some("the journal is damaged".to_owned());
        }
        self.walked = Some((span, check));
        Ok(())
    }

    fn is_proved(&self) -> bool {
        self.why.is_none()
    }

    fn offenders(&self) -> &[String] {
        match &self.walked {
            Some((_, check)) => &check.offenders,
            None => &[],
        }
    }

    /// The verdict, what was walked, what breaks it, and warnings.
    fn to_text(&self) -> String {
        let mut text = match &self.why {
            None => format!("proved {}: the journal extends it\n", self.file),
            Some(why) => format!("refused {}: {}\n", self.file, visible(why)),
        };
        if let Some(head) = &self.head {
            text.push_str(&format!(
                "the head is row {}, digest {}, signed by {}\n",
                head.number,
                head.digest,
                visible(&head.key_id)
            ));
        }
        if let Some((span, _)) = &self.walked {
            text.push_str(&format!(
                "checked {} of the journal\n",
                counted(span.rows, "row", "rows")
            ));
            if let Some(newest) = &span.head {
                text.push_str(&format!("the newest is {}\n", row_to_text(newest)));
            }
        }
        for offender in self.offenders() {
            text.push_str(&format!("        {offender}\n"));
        }
        if let Some(at) = self.key_retired_at {
            text.push_str(&retired_key_note(at));
        }
        text
    }

    fn to_json(&self) -> Value {
        let span = self.walked.as_ref().map(|(span, _)| span);
        json!({
            "file": self.file,
            "proved": self.is_proved(),
            "why": self.why,
            "head": self.head.as_ref().map(SignedHead::to_json),
            "key_retired_at": self.key_retired_at.map(time_text),
            "rows": span.map(|span| span.rows),
            "newest": span.and_then(|span| span.head.as_ref()).map(row_to_json),
            "offenders": self.offenders(),
        })
    }
}

#[cfg(test)]
mod tests {
    use service::ledger::RowDigest;
    use service::values::Sha256Digest;

    use super::*;

    fn verdict(offenders: Vec<String>) -> HeadVerdict {
        let receipt: Value = serde_json::from_str(include_str!("../../../samples/receipt.json")).expect("it is JSON");
        let head = SignedHead::parse(&receipt["head"].to_string()).expect("it is a head");
        let newest = RowDigest {
            number: 19,
            digest: Some(Sha256Digest([1; 32])),
        };
        let span = JournalSpan {
            start: None,
            rows: 20,
            head: Some(newest),
        };
        let why = (!offenders.is_empty()).then(|| "the journal is damaged".to_owned());
        let claim = "the journal is whole";
        HeadVerdict {
            file: "head.json".to_owned(),
            head: Some(head),
            key_retired_at: None,
            why,
            walked: Some((span, Check { claim, offenders })),
        }
    }

    #[test]
    fn an_extended_head_is_shown_with_what_was_walked() {
        let lines = [
            "proved head.json: the journal extends it".to_owned(),
            "the head is row 17, digest 4eba590f358a9245b3e89fb49cdd8793f5e4d7f8079285d0bb9ecf8907c1c9ef, \
             signed by 5f0c1e9ab2d37846"
                .to_owned(),
            "checked 20 rows of the journal".to_owned(),
            format!("the newest is row 19 with the digest {}", "01".repeat(32)),
            String::new(),
        ];
        assert_eq!(verdict(Vec::new()).to_text(), lines.join("\n"));
        let json = verdict(Vec::new()).to_json();
        assert_eq!(json["key_retired_at"], Value::Null);
        assert_eq!((&json["proved"], &json["rows"]), (&json!(true), &json!(20)));
        assert_eq!(
            (&json["head"]["number"], &json["newest"]["number"]),
            (&json!(17), &json!(19))
        );
    }

    #[test]
    fn a_damaged_row_is_named() {
        let damaged = verdict(vec!["rows 18 to 18 are missing".to_owned()]);
        let text = damaged.to_text();
        assert!(text.starts_with("refused head.json: "), "{text}");
        assert!(text.ends_with("        rows 18 to 18 are missing\n"), "{text}");
        assert_eq!(damaged.to_json()["offenders"], json!(["rows 18 to 18 are missing"]));
        assert!(!damaged.is_proved());
    }

    #[test]
    fn a_retired_key_is_told_of() {
        let mut verdict = verdict(Vec::new());
        verdict.key_retired_at = Some(Timestamp::UNIX_EPOCH);
        let text = verdict.to_text();
        assert!(
            text.contains("\nThis key was retired at 1970-01-01T00:00:00.000000Z."),
            "{text}"
        );
        assert_eq!(verdict.to_json()["key_retired_at"], "1970-01-01T00:00:00.000000Z");
    }

    #[test]
    fn a_number_is_no_file_with_a_head() {
        let refused = read_head(Path::new("5"))
            .expect_err("there is no such file")
            .to_string();
        assert!(refused.starts_with("cannot read 5: "), "{refused}");
        assert!(refused.ends_with("florin verify --since takes a number"), "{refused}");
        let refused = read_head(Path::new("no/head.json")).expect_err("there is no such file");
        assert!(!refused.to_string().contains("--since"), "{refused}");
    }
}
