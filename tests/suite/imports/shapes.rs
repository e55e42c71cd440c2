//! A feed may be written in any form in which its rows can be told apart; any other file is refused with the reason.

use std::sync::Arc;

use harness::activities::{Dirt, Expected, Feed};
use harness::{TestBank, on_every_backend};
use service::imports::csv_files;
use service::values::ImportStatus;

use super::small::{Small, quiet};
use super::{file, import, reasons, stored, totals};

on_every_backend!(
    the_same_rows_in_every_shape,
    lines_that_are_no_rows_are_skipped,
    a_file_without_rows_is_done,
    a_file_without_its_header_fails_and_says_what_is_missing,
    a_folder_gives_its_csv_files_by_name,
);

const ROWS: u64 = 60;

/// Another way to write a feed.
type Shape = (&'static str, fn(&str) -> Vec<u8>);

const SHAPES: [Shape; 9] = [
    ("as it is", |text| text.into()),
    ("a byte-order mark", |text| format!("\u{feff}{text}").into()),
    ("CRLF", |text| text.replace('\n', "\r\n").into()),
    ("CRLF and a mark", |text| {
        format!("\u{feff}{}", text.replace('\n', "\r\n")).into()
    }),
    ("no end of the last line", |text| text.trim_end().into()),
    ("blank lines", |text| text.replace('\n', "\n\n\r\n").into()),
    ("every field in quotes", |text| {
        each(text, |fields| quoted(&fields)).into()
    }),
    ("columns in another order, one more among them", |text| {
        each(text, |fields| {
            let mut fields: Vec<String> = fields.iter().rev().map(|field| (*field).to_owned()).collect();
            fields.insert(3, "more".to_owned());
            fields.join(",")
        })
        .into()
    }),
    ("line ends within quotes", |text| {
        text.replace("LAGOS", "\"LA\nGOS\"")
            .replace("KANO", "\"K\r\nA\"\"N\"\"O\"")
            .into()
    }),
];

fn each(text: &str, line: impl Fn(Vec<&str>) -> String) -> String {
    text.lines()
        .map(|fields| line(fields.split(',').collect()) + "\n")
        .collect()
}

fn quoted(fields: &[&str]) -> String {
    let fields: Vec<String> = fields.iter().map(|field| format!("\"{field}\"")).collect();
    fields.join(",")
}

async fn the_same_rows_in_every_shape(bank: Arc<TestBank>) {
    let mut inserted = 0;
    for (block_rows, seed) in [(7, 100), (1_000, 200)] {
        let imports = Small::<false>::new(&bank.db, block_rows, quiet()).imports(&bank, &bank.db);
        for (index, (name, shape)) in SHAPES.iter().enumerate() {
            // Each shape has its own events, so that none is a duplicate of another shape's.
            let (text, expected) = Feed::new(seed + index as u64, ROWS, Dirt::Much).text();
            let bytes = shape(&text);
            let size = bytes.len() as u64;
            let import = import(&imports, &file(&bank, "feed.csv", bytes)).await;
            assert_eq!(import.counts, totals(&expected), "{name}");
            assert_eq!((import.bytes_applied, import.size), (size, size), "{name}");
            inserted += expected.inserted;
            assert_eq!(stored(&bank).await, inserted, "{name}");
        }
    }
    // The header in capitals, with blanks around its words.
    let (text, expected) = Feed::new(1, ROWS, Dirt::Clean).text();
    let (header, rows) = text.split_once('\n').expect("a feed has a header");
    let path = file(
        &bank,
        "feed.csv",
        format!("{}\n{rows}", header.to_uppercase().replace(',', " , ")),
    );
    assert_eq!(import(&bank.services.imports, &path).await.counts, totals(&expected));
}

async fn lines_that_are_no_rows_are_skipped(bank: Arc<TestBank>) {
    let (text, expected) = Feed::new(7, ROWS, Dirt::Clean).text();
    let lines: Vec<&str> = text.lines().collect();
    let (first, rest) = lines.split_at(20);
    let endless = "x".repeat(200_000);
    let torn: [&[u8]; 5] = [
        b"\xff\xfe\x00,binary,\xc3\x28",
        b"one field",
        endless.as_bytes(),
        b",,,,,,,,,",
        b"8a380d57-6b3d-40e1-b505-aeb1d462cac3,\"MRC-000001,2024-01-01T00:00:00,POS,SALE,1.00,SUCCESS,POS,LAGOS,VERIFIED",
    ];
    let mut bytes = Vec::new();
    for line in first
        .iter()
        .map(|line| line.as_bytes())
        .chain(torn)
        .chain(rest.iter().map(|line| line.as_bytes()))
    {
        bytes.extend_from_slice(line);
        bytes.push(b'\n');
    }
    for block_rows in [3, 1_000] {
        let imports = Small::<false>::new(&bank.db, block_rows, quiet()).imports(&bank, &bank.db);
        let import = import(&imports, &file(&bank, "feed.csv", &bytes)).await;
        let expected_reasons = [("bad_event_id", 3), ("line_too_long", 1), ("unclosed_quote", 1)];
        assert_eq!(import.counts.skip_reasons, reasons(expected_reasons));
        assert_eq!(
            (import.counts.rows_read, import.counts.rows_skipped),
            (expected.read + 5, 5)
        );
        assert_eq!(stored(&bank).await, expected.inserted);
    }
}

async fn a_file_without_rows_is_done(bank: Arc<TestBank>) {
    let header = harness::activities::HEADER;
    let contents = [
        String::new(),
        "\n".to_owned(),
        "\u{feff}".to_owned(),
        "\r\n\r\n".to_owned(),
        header.to_owned(),
        header.trim_end().to_owned(),
        format!("\u{feff}{header}\r\n\n"),
    ];
    for content in contents {
        let import = import(&bank.services.imports, &file(&bank, "feed.csv", &content)).await;
        assert_eq!(import.counts, totals(&Expected::default()), "{content:?}");
        assert_eq!(import.status, ImportStatus::Completed, "{content:?}");
        assert!(import.finished_at.is_some() && import.failure.is_none());
        assert_eq!(import.bytes_applied, content.len() as u64);
    }
}

async fn a_file_without_its_header_fails_and_says_what_is_missing(bank: Arc<TestBank>) {
    let (text, _) = Feed::new(7, ROWS, Dirt::Clean).text();
    let (header, rows) = text.split_once('\n').expect("a feed has a header");
    let endless = "x".repeat(200_000);
    for (content, sentence) in [
        (
            rows.to_owned(),
            "the header lacks event_id, merchant_id, event_timestamp, product, event_type, amount, status",
        ),
        (text.replacen("product,", "", 1), "the header lacks product"),
        (text.replacen("status", "state", 1), "the header lacks status"),
        (text.replacen("region", "status", 1), "the header"),
        (
            format!("{}\n{rows}", header.replace(',', ";")),
            "the header lacks event_id",
        ),
        (
            "PK\u{3}\u{4}\0\0 not a text at all".to_owned(),
            "the header lacks event_id",
        ),
        (endless, "the first line is no header: line too long"),
    ] {
        let import = import(&bank.services.imports, &file(&bank, "feed.csv", &content)).await;
        assert_eq!(import.status, ImportStatus::Failed, "{sentence}");
        let failure = import.failure.unwrap_or_default();
        assert!(failure.starts_with(sentence), "{failure:?} is not {sentence:?}");
        assert_eq!(import.counts, totals(&Expected::default()), "{sentence}");
    }
    assert_eq!(stored(&bank).await, 0);
}

async fn a_folder_gives_its_csv_files_by_name(bank: Arc<TestBank>) {
    for name in ["b.csv", "a.csv", "C.CSV", "d.txt", "csv"] {
        file(&bank, name, "");
    }
    std::fs::create_dir(bank.database.folder.path().join("e.csv")).expect("a folder can be made");
    let files = csv_files(bank.database.folder.path()).expect("the folder can be read");
    let names: Vec<_> = files.iter().filter_map(|file| file.file_name()).collect();
    assert_eq!(names, ["C.CSV", "a.csv", "b.csv"]);
}
