//! Who calls, before any token is read: the client's address and its own description of itself.

use poem::http::header;
use poem::{FromRequest, Request, RequestBody};
use service::actor::ClientInfo;

use crate::edge::{RequestIdHeader, address_of};

/// The client of a request, for a handler that takes it.
pub struct RequestClient(pub ClientInfo);

/// The client of a request. Behind a trusted proxy it is the one that the proxy names, as in the access log.
pub fn client_of(request: &Request) -> ClientInfo {
    let user_agent = request.headers().get(header::USER_AGENT);
    let user_agent = user_agent.map(|value| String::from_utf8_lossy(value.as_bytes()));
    let client = ClientInfo::new(address_of(request), user_agent.as_deref());
    match request.extensions().get::<RequestIdHeader>() {
        Some(id) => client.asking(id.as_str()),
        None => client,
    }
}

impl<'a> FromRequest<'a> for RequestClient {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> poem::Result<Self> {
        Ok(Self(client_of(request)))
    }
}
