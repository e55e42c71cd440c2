//! The operator who owns the endpoints, and what it asks the server for.

use std::io::Write as _;
use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use sea_orm::{ConnectionTrait, DatabaseConnection};
use serde_json::{Value, json};
use service::clock::random_bytes;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::common::client::{connect, find, read_answer};
use crate::stage::OPERATOR;

/// Stores the operator with a session, since only a user who is signed in may make an endpoint. PostgreSQL only.
pub async fn store_operator(db: &DatabaseConnection) -> Result<()> {
    let sql = format!(
        "INSERT INTO users (id, email, full_name, name_key, password_hash, role, status, created_at, updated_at) \
         VALUES ('{OPERATOR}', 'operator@example.com', 'Operator', 'operator', '', 'operator', 'active', now(), now())"
    );
    db.execute_unprepared(&sql).await?;
    // The benchmark's tokens name a session with the id of their user.
    let sql = format!(
        "INSERT INTO sessions (id, user_id, nonce, token_hash, generation, created_at, last_used_at, expires_at) \
         VALUES ('{OPERATOR}', '{OPERATOR}', uuid_send('{OPERATOR}'), sha256(''), 0, now(), now(), now() + interval '1 day')"
    );
    db.execute_unprepared(&sql).await?;
    Ok(())
}

/// A connection with an operator's token.
pub struct OperatorClient {
    stream: TcpStream,
    token: String,
    answer: Vec<u8>,
}

impl OperatorClient {
    pub async fn connect(address: SocketAddr, token: &str) -> Result<Self> {
        Ok(Self {
            stream: connect(address).await?,
            token: token.to_owned(),
            answer: Vec::new(),
        })
    }

    /// Adds an endpoint for everything; returns its id.
    pub async fn add_webhook(&mut self, receiver: SocketAddr, is_ordered: bool) -> Result<String> {
        let body = json!({ "url": format!("http://{receiver}/"), "ordered": is_ordered });
        self.send("POST /v1/webhooks", &body.to_string(), 201).await?;
        let head_end = find(&self.answer, b"\r\n\r\n").context("a head")? + 4;
        let webhook: Value = serde_json::from_slice(&self.answer[head_end..])?;
        Ok(webhook["id"].as_str().context("an endpoint has an id")?.to_owned())
    }

    /// Makes an endpoint `active` or `paused`.
    pub async fn set_status(&mut self, webhook: &str, status: &str) -> Result<()> {
        let body = json!({ "status": status });
        self.send(&format!("PATCH /v1/webhooks/{webhook}"), &body.to_string(), 200)
            .await
    }

    /// Deletes an endpoint.
    pub async fn remove_webhook(&mut self, webhook: &str) -> Result<()> {
        self.send(&format!("DELETE /v1/webhooks/{webhook}"), "", 204).await
    }

    async fn send(&mut self, what: &str, body: &str, expected: u16) -> Result<()> {
        let mut request = Vec::new();
        let (token, key, length) = (&self.token, u128::from_le_bytes(random_bytes()), body.len());
        write!(
            request,
            "{what} HTTP/1.1\r\nHost: florin\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
             Idempotency-Key: {key:032x}\r\nContent-Length: {length}\r\n\r\n{body}"
        )?;
        self.stream.write_all(&request).await?;
        let status = read_answer(&mut self.stream, &mut self.answer).await?;
        let answer = String::from_utf8_lossy(&self.answer);
        ensure!(status == expected, "status {status} to {what}: {answer}");
        Ok(())
    }
}
