//! Who a request comes from when a proxy has passed it on, and a word to operators who forgot theirs.

use std::{net::SocketAddr, sync::Once};

use engineio::TrustedProxies;
use http::HeaderMap;

/// The client's address, as far as it can be believed.
pub(crate) fn client(
    peer: SocketAddr,
    headers: &HeaderMap,
    proxies: &TrustedProxies,
) -> SocketAddr {
    if !proxies.trusts(peer.ip()) {
        warn_of_unnamed_proxy(peer, headers);
    }
    proxies.client(peer, headers)
}

/// Behind a proxy that is not named, all clients are one: what one of them does wrong counts for all.
fn warn_of_unnamed_proxy(peer: SocketAddr, headers: &HeaderMap) {
    static WARNED: Once = Once::new();
    if headers.contains_key("x-forwarded-for") {
        WARNED.call_once(|| {
            tracing::warn!(
                peer = %peer.ip(),
                hint = "if this is your proxy, name it in proxy.trusted",
                "X-Forwarded-For of somebody who is no trusted proxy is ignored"
            );
        });
    }
}
