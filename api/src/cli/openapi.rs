//! `florin openapi`: the document, made with a throw-away database.

use super::{Ending, bank, print};
use crate::app::document;

pub async fn run() -> anyhow::Result<Ending> {
    let (folder, config) = super::demo::throw_away()?;
    let bank = bank::open(&config).await?;
    print(format_args!("{:#}", document(&bank)?))?;
    bank.stop().await;
    drop(folder);
    Ok(Ending::Done)
}
