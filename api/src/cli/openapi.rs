//! `florin openapi`: the document, without a database of anybody's.

use super::{Ending, bank};
use crate::app::document;

pub async fn run() -> anyhow::Result<Ending> {
    let (folder, config) = super::demo::throw_away()?;
    let bank = bank::open(&config).await?;
    println!("{:#}", document(&bank)?);
    bank::close(bank).await;
    drop(folder);
    Ok(Ending::Done)
}
