//! `/v1/wallets`: open, look, freeze, close; and the entries of a wallet.

use std::sync::{Arc, LazyLock};

use poem_openapi::param::{Path, Query};
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use serde::{Deserialize, Serialize};
use service::Services;
use service::actor::{Actor, Permission};
use service::identity::{UserFilter, UserSearch};
use service::page::PageRequest;
use service::values::{UserId, WalletId};
use service::wallets::{Holder, StatusReason, WalletFilter, WalletSearch};
use uuid::Uuid;

use super::Tag;
use super::wallet_view::{EntryView, WalletView};
use crate::auth::{WalletsClose, WalletsFreeze, WalletsOpen, WalletsRead};
use crate::fields::Input;
use crate::problem::{ApiResult, Code, Problem};
use crate::wire::{
    CURRENCY_EXPECTED, CreatedTagged, CursorText, ExpectedTags, Json, JsonOrNothing, KnownCurrency, KnownTags,
    ListQuery, Listed, PageLimit, Refreshed, SearchText, Tagged, currency_of, page_request,
};

/// The handlers of `/v1/wallets`.
pub struct WalletsApi {
    /// The services that the handlers call.
    pub services: Arc<Services>,
}

/// A wallet to open.
#[derive(Object, Serialize, Deserialize)]
#[oai(rename = "NewWallet", example)]
#[serde(deny_unknown_fields)]
pub struct NewWalletInput {
    /// ISO 4217.
    #[oai(validator(pattern = "^[A-Z]{3}$"))]
    currency: String,
}

/// Why a wallet is frozen or unfrozen.
#[derive(Object, Serialize, Deserialize)]
#[oai(rename = "FreezeReason", example)]
#[serde(deny_unknown_fields)]
pub struct FreezeReasonInput {
    /// 1 to 500 visible characters, for the audit log: nothing else keeps it.
    #[oai(validator(min_length = 1, max_length = 500))]
    reason: Option<String>,
}

#[OpenApi(prefix_path = "/v1/wallets", tag = "Tag::Wallets")]
impl WalletsApi {
    /// Open a wallet
    ///
    /// A customer has one wallet per currency.
    #[oai(path = "/", method = "post", operation_id = "wallets_open")]
    async fn open(
        &self,
        WalletsOpen(actor): WalletsOpen,
        body: Json<NewWalletInput>,
    ) -> ApiResult<CreatedTagged<WalletView>> {
        let currency = currency_of(&body.0.currency)?;
        let wallet = self.services.wallets.open(&actor, currency).await?;
        Ok(CreatedTagged(wallet.into()))
    }

    /// List wallets
    ///
    /// A customer's own; for staff those of a user, or all. A search finds the wallet whose id it is, and the wallets of
    /// the users whom `GET /v1/users` finds by it, if they are at most 200.
    #[oai(path = "/", method = "get", operation_id = "wallets_list")]
    async fn list(
        &self,
        WalletsRead(actor): WalletsRead,
        /// Whose wallets. Customers may only name themselves.
        user_id: Query<Option<Uuid>>,
        /// For staff: only the wallet whose id this is, and those of the users whose e-mail address or name begins so, in any
        /// case, or whose id this is.
        q: Query<Option<SearchText>>,
        /// Only those in this currency, ISO 4217.
        currency: Query<Option<KnownCurrency>>,
        /// Items in the page, 1 to 500.
        limit: Query<Option<PageLimit>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<CursorText>>,
    ) -> ApiResult<Json<Listed<WalletView>>> {
        let holder = holder_of(&actor, user_id.0.map(UserId))?;
        let request = page_request(ListQuery {
            limit: limit.0,
            cursor: cursor.0,
        })?;
        let search = match q.0 {
            Some(SearchText(search)) => Some(self.search_of(&actor, search).await?),
            None => None,
        };
        let filter = WalletFilter {
            holder,
            currency: currency.0.map(|currency| currency.0),
            search,
        };
        let page = self.services.wallets.list(&actor, filter, request).await?;
        Ok(Json(Listed::of(page, WalletView::from)))
    }

    /// Look at a wallet
    ///
    /// For its owner and staff; other callers get 404, as for an unknown id.
    #[oai(path = "/:wallet_id", method = "get", operation_id = "wallets_get")]
    async fn get(
        &self,
        WalletsRead(actor): WalletsRead,
        wallet_id: Path<Uuid>,
        /// Tags of what the caller has: 304 when it is still so.
        #[oai(name = "If-None-Match")]
        known: KnownTags,
    ) -> ApiResult<Refreshed<WalletView>> {
        let wallet = self.services.wallets.get(&actor, WalletId(wallet_id.0)).await?;
        Ok(Refreshed {
            now: wallet.into(),
            known,
        })
    }

    /// Freeze a wallet
    ///
    /// No money moves in or out until it is unfrozen. The bank's own wallets cannot be frozen or closed. Send an
    /// object, `{}` without a reason; a request without a body counts as `{}`.
    #[oai(path = "/:wallet_id/freeze", method = "post", operation_id = "wallets_freeze")]
    async fn freeze(
        &self,
        WalletsFreeze(actor): WalletsFreeze,
        wallet_id: Path<Uuid>,
        /// ETags that the caller has seen. If none of them is the wallet's, the answer is 412 and nothing changes.
        #[oai(name = "If-Match")]
        expected: ExpectedTags,
        body: JsonOrNothing<FreezeReasonInput>,
    ) -> ApiResult<Tagged<WalletView>> {
        let (id, reason) = (WalletId(wallet_id.0), body.0.reason()?);
        let wallets = &self.services.wallets;
        let wallet = wallets.freeze(&actor, id, reason, expected.0).await?;
        Ok(wallet.into())
    }

    /// Unfreeze a wallet
    ///
    /// Money may move again. Send an object, `{}` without a reason; a request without a body counts as `{}`.
    #[oai(path = "/:wallet_id/unfreeze", method = "post", operation_id = "wallets_unfreeze")]
    async fn unfreeze(
        &self,
        WalletsFreeze(actor): WalletsFreeze,
        wallet_id: Path<Uuid>,
        /// ETags that the caller has seen. If none of them is the wallet's, the answer is 412 and nothing changes.
        #[oai(name = "If-Match")]
        expected: ExpectedTags,
        body: JsonOrNothing<FreezeReasonInput>,
    ) -> ApiResult<Tagged<WalletView>> {
        let (id, reason) = (WalletId(wallet_id.0), body.0.reason()?);
        let wallets = &self.services.wallets;
        let wallet = wallets.unfreeze(&actor, id, reason, expected.0).await?;
        Ok(wallet.into())
    }

    /// Close a wallet
    ///
    /// For good. Its balance and held must be 0.0000.
    #[oai(path = "/:wallet_id/close", method = "post", operation_id = "wallets_close")]
    async fn close(
        &self,
        WalletsClose(actor): WalletsClose,
        wallet_id: Path<Uuid>,
        /// ETags that the caller has seen. If none of them is the wallet's, the answer is 412 and nothing changes.
        #[oai(name = "If-Match")]
        expected: ExpectedTags,
    ) -> ApiResult<Tagged<WalletView>> {
        let id = WalletId(wallet_id.0);
        let wallet = self.services.wallets.close(&actor, id, expected.0).await?;
        Ok(wallet.into())
    }

    /// List a wallet's entries
    ///
    /// Every movement of its money with the balance after it, newest first.
    #[oai(path = "/:wallet_id/entries", method = "get", operation_id = "wallets_entries")]
    async fn entries(
        &self,
        WalletsRead(actor): WalletsRead,
        wallet_id: Path<Uuid>,
        /// Items in the page, 1 to 500.
        limit: Query<Option<PageLimit>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<CursorText>>,
    ) -> ApiResult<Json<Listed<EntryView>>> {
        let request = page_request(ListQuery {
            limit: limit.0,
            cursor: cursor.0,
        })?;
        let page = self
            .services
            .wallets
            .entries(&actor, WalletId(wallet_id.0), request)
            .await?;
        Ok(Json(Listed::of(page, EntryView::from)))
    }
}

/// Users whose wallets one search shows. A search that finds more says so, and shows none.
const SEARCHED_USERS_MAX: u64 = 200;

impl WalletsApi {
    /// What a search for wallets looks for. It tells whose wallets there are, so it needs both permissions.
    async fn search_of(&self, actor: &Actor, search: UserSearch) -> Result<WalletSearch, Problem> {
        if !actor.may(Permission::WalletsReadAll) || !actor.may(Permission::UsersRead) {
            let detail = "a search needs the permissions wallets:read_all and users:read";
            return Err(Problem::new(Code::Forbidden, detail));
        }
        let wallet = search.id().map(|id| WalletId(id.0));
        let filter = UserFilter {
            search: Some(search),
            ..UserFilter::default()
        };
        let request = PageRequest {
            limit: SEARCHED_USERS_MAX,
            after: None,
        };
        let found = self.services.identity.users(&filter, request).await?;
        if found.next.is_some() {
            let message = format!("finds more than {SEARCHED_USERS_MAX} users: search for more letters");
            return Err(Problem::unprocessable_field("q", message));
        }
        let owners = found.items.into_iter().map(|user| user.id);
        Ok(WalletSearch {
            wallet,
            owners: owners.collect(),
        })
    }
}

impl Input for NewWalletInput {
    fn refusal(&self) -> Option<&'static str> {
        currency_of(&self.currency).is_err().then_some(CURRENCY_EXPECTED)
    }
}

impl Input for FreezeReasonInput {
    fn refusal(&self) -> Option<&'static str> {
        self.reason().is_err().then_some(REASON_EXPECTED.as_str())
    }
}

/// What a reason must be.
static REASON_EXPECTED: LazyLock<String> = LazyLock::new(|| {
    let most = StatusReason::LENGTH_MAX;
    format!("must have 1 to {most} characters, all of which can be seen")
});

impl FreezeReasonInput {
    fn reason(&self) -> Result<Option<StatusReason>, Problem> {
        let Some(text) = &self.reason else {
            return Ok(None);
        };
        match StatusReason::try_new(text) {
            Some(reason) => Ok(Some(reason)),
            None => Err(Problem::unprocessable_field("reason", REASON_EXPECTED.as_str())),
        }
    }
}

fn holder_of(actor: &Actor, user: Option<UserId>) -> Result<Holder, Problem> {
    match user {
        Some(user) if actor.may(Permission::WalletsReadAll) || user == actor.user => Ok(Holder::User(user)),
        Some(_) => Err(Problem::new(
            Code::Forbidden,
            "the wallets of others need the permission wallets:read_all",
        )),
        None => Ok(Holder::readable_by(actor)),
    }
}

impl Example for NewWalletInput {
    fn example() -> Self {
        Self {
            currency: "EUR".to_owned(),
        }
    }
}

impl Example for FreezeReasonInput {
    fn example() -> Self {
        Self {
            reason: Some("The owner has reported a stolen phone.".to_owned()),
        }
    }
}
