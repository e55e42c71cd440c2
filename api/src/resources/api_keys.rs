//! `/v1/api-keys`: keys with which programs sign in. Only a person who has signed in makes and manages them.

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};
use service::Services;
use service::identity::api_keys::ApiKeys;
use service::values::{ApiKeyId, UserId};
use uuid::Uuid;

use super::Tag;
use super::api_key_view::{ApiKeyRollInput, ApiKeyView, IssuedApiKeyView, NewApiKeyInput};
use crate::auth::ApiKeysWrite;
use crate::problem::ApiResult;
use crate::wire::{Created, CursorText, Json, ListQuery, Listed, NoBody, NoContent, PageLimit, page_request};

/// The handlers of `/v1/api-keys`.
pub struct ApiKeysApi {
    /// The services that the handlers call.
    pub services: Arc<Services>,
}

#[OpenApi(prefix_path = "/v1/api-keys", tag = "Tag::Authentication")]
impl ApiKeysApi {
    /// Make an API key
    ///
    /// Its secret is in this answer only: the bank cannot show it again. A program sends it as the bearer token. The key may
    /// do what its scopes name, as long as its owner may do it too. A user has at most 50 keys that are neither revoked nor
    /// expired.
    #[oai(path = "/", method = "post", operation_id = "api_keys_create")]
    async fn create(
        &self,
        ApiKeysWrite(actor): ApiKeysWrite,
        body: Json<NewApiKeyInput>,
    ) -> ApiResult<Created<IssuedApiKeyView>> {
        let issued = self.keys().create(&actor, body.0.into()).await?;
        Ok(Created(issued.into()))
    }

    /// List API keys
    ///
    /// One's own; for admins those of a user, or all. Revoked keys are not listed, expired ones are.
    #[oai(path = "/", method = "get", operation_id = "api_keys_list")]
    async fn list(
        &self,
        ApiKeysWrite(actor): ApiKeysWrite,
        /// Whose keys. Only admins may name another user.
        user_id: Query<Option<Uuid>>,
        /// Items in the page, 1 to 500.
        limit: Query<Option<PageLimit>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<CursorText>>,
    ) -> ApiResult<Json<Listed<ApiKeyView>>> {
        let request = page_request(ListQuery {
            limit: limit.0,
            cursor: cursor.0,
        })?;
        let page = self.keys().list(&actor, user_id.0.map(UserId), request).await?;
        Ok(Json(Listed::of(page, ApiKeyView::from)))
    }

    /// Look at an API key
    ///
    /// For its owner and admins; other callers get 404, as for an unknown id and for a revoked key.
    #[oai(path = "/:api_key_id", method = "get", operation_id = "api_keys_get")]
    async fn get(&self, ApiKeysWrite(actor): ApiKeysWrite, api_key_id: Path<Uuid>) -> ApiResult<Json<ApiKeyView>> {
        let key = self.keys().get(&actor, ApiKeyId(api_key_id.0)).await?;
        Ok(Json(key.into()))
    }

    /// Revoke an API key
    ///
    /// For good: from this answer on this server refuses it, and every other one within a second. The body is empty.
    #[oai(path = "/:api_key_id", method = "delete", operation_id = "api_keys_revoke")]
    async fn revoke(
        &self,
        ApiKeysWrite(actor): ApiKeysWrite,
        api_key_id: Path<Uuid>,
        _body: NoBody,
    ) -> ApiResult<NoContent> {
        self.keys().revoke(&actor, ApiKeyId(api_key_id.0)).await?;
        Ok(NoContent)
    }

    /// Roll an API key
    ///
    /// Gives one's own key a new secret, which is in this answer only. The old one stays valid for the overlap, so that programs
    /// can be changed one by one. A second roll within the overlap ends the oldest secret at once.
    #[oai(path = "/:api_key_id/roll", method = "post", operation_id = "api_keys_roll")]
    async fn roll(
        &self,
        ApiKeysWrite(actor): ApiKeysWrite,
        api_key_id: Path<Uuid>,
        body: Json<ApiKeyRollInput>,
    ) -> ApiResult<Created<IssuedApiKeyView>> {
        let overlap = body.0.overlap()?;
        let issued = self.keys().roll(&actor, ApiKeyId(api_key_id.0), overlap).await?;
        Ok(Created(issued.into()))
    }
}

impl ApiKeysApi {
    fn keys(&self) -> &ApiKeys {
        &self.services.identity.api_keys
    }
}
