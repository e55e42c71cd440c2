//! The bank from outside: every scenario on both databases, over HTTP or the services' public face.
//! One binary, so that all scenarios share one PostgreSQL.

mod transfers;
