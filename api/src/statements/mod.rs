//! Statements as they are sent, in three forms. A page of movements is read, written and taken by the connection before the
//! next one is read, so a statement of any length takes the memory of one page, and a client that hangs up ends the reading.
//!
//! A fault breaks the connection off, and each form says its closing balance or its end last: a part of a statement must
//! never look like a whole one.

mod camt;
mod csv_table;
mod form;
mod json;
mod xml;

pub use form::StatementForm;

use std::io;

use futures_util::stream;
use poem::Body;
use service::ledger::WalletEntry;
use service::wallets::{Movements, Statement};

use crate::wire::broken_off;

/// A statement as a stream of bytes. Nothing is read before the first of them is asked for.
pub fn body(form: StatementForm, statement: Statement, movements: Movements) -> Body {
    let begun = StatementStream {
        form,
        statement,
        movements,
        next: NextPart::Head,
    };
    Body::from_bytes_stream(stream::try_unfold(begun, |mut rest: StatementStream| async move {
        let part = rest.next_part().await?;
        Ok::<_, io::Error>(part.map(|part| (part, rest)))
    }))
}

/// How far a statement is written.
struct StatementStream {
    form: StatementForm,
    statement: Statement,
    movements: Movements,
    next: NextPart,
}

/// What is to be written next.
enum NextPart {
    /// Everything before the movements.
    Head,
    /// A page of movements, or everything after the last one.
    Movements,
    /// Nothing.
    Nothing,
}

impl StatementStream {
    async fn next_part(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut part = Vec::new();
        match self.next {
            NextPart::Head => {
                self.form.write_head(&self.statement, &mut part)?;
                self.next = NextPart::Movements;
            }
            NextPart::Movements => match self.movements.next_page().await {
                Ok(Some(page)) => self.form.write_movements(&self.statement, page, &mut part)?,
                Ok(None) => {
                    self.form.write_end(&self.statement, &mut part)?;
                    self.next = NextPart::Nothing;
                }
                Err(fault) => {
                    let what = format!("a statement of wallet {}", self.statement.wallet);
                    return Err(broken_off(&what, fault));
                }
            },
            NextPart::Nothing => return Ok(None),
        }
        Ok(Some(part))
    }
}

impl StatementForm {
    fn write_head(self, statement: &Statement, out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Json => json::write_head(statement, out),
            Self::Csv => csv_table::write_head(statement, out),
            Self::Camt => camt::write_head(statement, out),
        }
    }

    fn write_movements(self, statement: &Statement, page: Vec<WalletEntry>, out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Json => json::write_movements(statement, page, out),
            Self::Csv => csv_table::write_movements(statement, &page, out),
            Self::Camt => camt::write_movements(statement, &page, out),
        }
    }

    fn write_end(self, statement: &Statement, out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Json => json::write_end(statement, out),
            Self::Csv => csv_table::write_end(statement, out),
            Self::Camt => camt::write_end(out),
        }
    }
}
