//! `florin verify --since NUMBER`.

use harness::Backend;
use serde_json::Value;

use super::Place;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_of_the_journal_can_be_verified() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let place = Place::new(backend).await;
        // A start and an end, so that the journal has rows of the bank itself.
        place.serve().await.kill().await;
        let report = async |arguments: &[&str]| -> Value {
            let ended = place.run(&[&["verify", "--json"], arguments].concat()).await;
            assert_eq!(ended.status, Some(0), "{ended:?}");
            serde_json::from_str::<Value>(&ended.stdout).expect("the report is JSON")["journal"].clone()
        };
        let whole = report(&[]).await;
        let head = whole["head"]["number"].as_u64().expect("a row has a number");
        assert_eq!(
            (&whole["start"]["number"], &whole["rows"]),
            (&Value::from(0), &Value::from(head))
        );
        let none = report(&["--since", &head.to_string()]).await;
        assert_eq!((&none["start"], &none["rows"]), (&whole["head"], &Value::from(0)));
        let output = place.run(&["verify", "--since", &head.to_string()]).await;
        let digest = whole["head"]["digest"].as_str().expect("a row has a digest");
        let line =
            format!("checked 0 rows of the journal after row {head} with the digest {digest}, which is taken as it is");
        assert!(output.stdout.lines().any(|output| output == line), "{output:?}");

        let beyond = (head + 1).to_string();
        let refused = place.run(&["verify", "--since", &beyond]).await;
        assert_eq!((refused.status, refused.stdout.as_str()), (Some(2), ""), "{refused:?}");
        let sentence = format!("the journal has no row {beyond} to begin after; its newest row is {head}");
        assert!(refused.stderr.contains(&sentence), "{refused:?}");
        let refused = place.run(&["verify", "--since", "-1"]).await;
        assert_eq!((refused.status, refused.stdout.as_str()), (Some(2), ""), "{refused:?}");
        assert!(
            refused.stderr.contains("not the number of a row of the journal"),
            "{refused:?}"
        );
        place.remove().await;
    }
}
