//! Requests and what they are taken for. A row of the conformance list is named by its id.

use super::*;
use crate::Transports;
use RequestError::{BadHandshakeMethod, BadRequest, TransportUnknown, UnsupportedVersion};

const GET: RequestHead<'static> = RequestHead {
    method: "GET",
    query: "",
    upgrade: Upgrade::None,
    origin: None,
    content_type: None,
};

fn parse(head: RequestHead<'_>) -> Result<EngineRequest, RequestError> {
    EngineRequest::parse(&head, &Config::default())
}

fn get(query: &str) -> Result<EngineRequest, RequestError> {
    parse(RequestHead { query, ..GET })
}

fn opened(query: &str, config: &Config) -> Result<Version, RequestError> {
    match EngineRequest::parse(&RequestHead { query, ..GET }, config)? {
        EngineRequest::Open(open) => Ok(open.version()),
        existing => panic!("{query} opens nothing: {existing:?}"),
    }
}

fn existing(head: RequestHead<'_>) -> (String, Option<Version>, ExistingKind) {
    match parse(head) {
        Ok(EngineRequest::Existing { sid, version, kind }) => (sid.into(), version, kind),
        other => panic!("{head:?} belongs to no session: {other:?}"),
    }
}

#[test]
fn handshakes() {
    let config = Config::default();
    for (query, version) in [
        ("EIO=4&transport=polling", Version::V4),              // H1
        ("EIO=3&transport=polling", Version::V3),              // H9
        ("EIO=4&transport=polling&sid=", Version::V4),         // H20
        ("EIO=4&transport=polling&SID=x", Version::V4),        // H20
        ("EIO=4&transport=polling&sid=x&sid=", Version::V4),   // H22
        ("EIO=%34&transport=poll%69ng", Version::V4),          // H21
        ("%45IO=4&transport=polling", Version::V4),            // H21
        ("EIO=4&transport=polling&a=1&b[]=%zz", Version::V4),  // H23
        ("t=x&EIO=4&t=&transport=polling&t=1.2", Version::V4), // H24
    ] {
        assert_eq!(opened(query, &config), Ok(version), "{query}");
    }
}

#[test]
fn refused_revisions() {
    let default = Config::default();
    let tolerant = Config {
        legacy_eio: true,
        ..Config::default()
    };
    for eio in [
        "EIO=abc",
        "EIO=5",
        "EIO=04",
        "EIO=",
        "EIO",
        "EIO=1",
        "EIO=4&EIO=4",
        "EIO=3&EIO=4",
    ] {
        let query = format!("{eio}&transport=polling"); // H6, H22
        assert_eq!(opened(&query, &default), Err(UnsupportedVersion), "{eio}");
        assert_eq!(opened(&query, &tolerant), Err(UnsupportedVersion), "{eio}");
    }
}

#[test]
fn missing_revision_and_2_are_3_only_by_option() {
    for query in ["transport=polling", "EIO=2&transport=polling"] {
        assert_eq!(opened(query, &Config::default()), Err(UnsupportedVersion)); // H5
        let tolerant = Config {
            legacy_eio: true,
            ..Config::default()
        };
        assert_eq!(opened(query, &tolerant), Ok(Version::V3));
        let without_3 = Config {
            legacy_eio: true,
            v3: false,
            ..Config::default()
        };
        assert_eq!(opened(query, &without_3), Err(UnsupportedVersion));
    }
}

// H8
#[test]
fn revision_3_can_be_switched_off() {
    let config = Config {
        v3: false,
        ..Config::default()
    };
    assert_eq!(
        opened("EIO=3&transport=polling", &config),
        Err(UnsupportedVersion)
    );
    assert_eq!(opened("EIO=4&transport=polling", &config), Ok(Version::V4));
}

#[test]
fn unknown_transports() {
    for transport in [
        "",
        "transport=",
        "transport=abc",
        "transport=__proto__",
        "transport=constructor",
        "transport=Polling",
        "transport=webtransport",
        "transport=polling&transport=x",
    ] {
        let query = format!("EIO=4&{transport}"); // H10, H11, H12
        assert_eq!(get(&query), Err(TransportUnknown), "{transport}");
        assert_eq!(
            get(&format!("{query}&sid=x")),
            Err(TransportUnknown),
            "{transport}"
        );
    }
}

#[test]
fn websocket_needs_the_upgrade_and_polling_must_not_have_it() {
    assert_eq!(get("EIO=4&transport=websocket"), Err(BadRequest)); // H13
    let upgrade = Upgrade::WebSocket;
    let query = "EIO=4&transport=polling";
    assert_eq!(
        parse(RequestHead {
            query,
            upgrade,
            ..GET
        }),
        Err(BadRequest)
    ); // W24
    let query = "EIO=4&transport=websocket";
    let Ok(EngineRequest::Open(open)) = parse(RequestHead {
        query,
        upgrade,
        ..GET
    }) else {
        panic!("a handshake");
    };
    assert_eq!(open.transport(), Transport::WebSocket);
}

// H14 to H17
#[test]
fn handshake_is_a_get() {
    let query = "EIO=4&transport=polling";
    for method in ["POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "get"] {
        assert_eq!(
            parse(RequestHead {
                method,
                query,
                ..GET
            }),
            Err(BadHandshakeMethod),
            "{method}"
        );
    }
}

// H30
#[test]
fn origin_has_no_control_characters() {
    let query = "EIO=4&transport=polling";
    for origin in [&b"http://a\x01"[..], b"\x7f", b"a\nb", b"\0"] {
        let head = RequestHead {
            query,
            origin: Some(origin),
            ..GET
        };
        assert_eq!(parse(head), Err(BadRequest), "{origin:?}");
    }
    for origin in [&b"http://a"[..], b"", b"\t\xe9"] {
        assert!(
            parse(RequestHead {
                query,
                origin: Some(origin),
                ..GET
            })
            .is_ok(),
            "{origin:?}"
        );
    }
}

#[test]
fn first_failing_check_counts() {
    let origin = Some(&b"\x01"[..]);
    let head = RequestHead {
        method: "POST",
        origin,
        query: "EIO=9&transport=x",
        ..GET
    };
    assert_eq!(parse(head), Err(TransportUnknown));
    assert_eq!(
        parse(RequestHead {
            query: "EIO=9&transport=polling",
            ..head
        }),
        Err(BadRequest)
    );
    let head = RequestHead {
        origin: None,
        query: "EIO=9&transport=websocket",
        ..head
    };
    assert_eq!(parse(head), Err(BadHandshakeMethod));
    assert_eq!(
        parse(RequestHead {
            method: "GET",
            ..head
        }),
        Err(BadRequest)
    );
    assert_eq!(get("EIO=9&transport=polling"), Err(UnsupportedVersion));
}

#[test]
fn requests_of_a_session() {
    use ExistingKind::{Mismatch, OtherMethod, Poll, Post, WebSocket};
    let polling = "EIO=4&transport=polling&sid=abc";
    let websocket = "EIO=4&transport=websocket&sid=abc";
    let text = Post(PostContent::Text);
    for (method, query, upgrade, kind) in [
        ("GET", polling, Upgrade::None, Poll),
        ("POST", polling, Upgrade::None, text),
        ("PUT", polling, Upgrade::None, OtherMethod),
        ("HEAD", polling, Upgrade::None, OtherMethod),
        ("OPTIONS", polling, Upgrade::None, OtherMethod),
        (
            "GET",
            websocket,
            Upgrade::WebSocket,
            WebSocket(BinaryFrames::Bytes),
        ),
        (
            "GET",
            "EIO=4&transport=websocket&sid=abc&b64=1",
            Upgrade::WebSocket,
            WebSocket(BinaryFrames::Base64),
        ),
        ("GET", websocket, Upgrade::None, Mismatch), // H36
        ("POST", websocket, Upgrade::WebSocket, Mismatch),
        ("GET", polling, Upgrade::WebSocket, Mismatch), // W24
    ] {
        let found = existing(RequestHead {
            method,
            query,
            upgrade,
            ..GET
        });
        assert_eq!(
            found,
            ("abc".into(), Some(Version::V4), kind),
            "{method} {query}"
        );
    }
}

#[test]
fn any_sid_is_looked_up() {
    for (query, sid) in [
        ("sid=__proto__", "__proto__"),
        ("sid=%00%FF", "\0\u{fffd}"),
        ("sid=nope&sid=a%2Db", "a-b"), // H22
    ] {
        let query = format!("EIO=4&transport=polling&{query}");
        assert_eq!(
            existing(RequestHead {
                query: &query,
                ..GET
            })
            .0,
            sid
        );
    }
}

#[test]
fn revision_of_a_later_request() {
    for (eio, version, kind) in [
        ("", None, ExistingKind::Poll),                   // H37
        ("EIO=3", Some(Version::V3), ExistingKind::Poll), // H34: the session compares
        ("EIO=5", None, ExistingKind::Mismatch),
        ("EIO=4&EIO=4", None, ExistingKind::Mismatch),
    ] {
        let query = format!("{eio}&transport=polling&sid=a");
        assert_eq!(
            existing(RequestHead {
                query: &query,
                ..GET
            }),
            ("a".into(), version, kind)
        );
    }
}

// P21, P22
#[test]
fn only_the_exact_type_is_binary() {
    for (content_type, content) in [
        (None, PostContent::Text),
        (Some(&b"text/plain;charset=UTF-8"[..]), PostContent::Text),
        (Some(b"application/json"), PostContent::Text),
        (Some(b"application/octet-stream"), PostContent::OctetStream),
        (Some(b"application/octet-stream; x=y"), PostContent::Text),
        (Some(b"Application/Octet-Stream"), PostContent::Text),
    ] {
        let query = "EIO=3&transport=polling&sid=a";
        let (_, _, kind) = existing(RequestHead {
            method: "POST",
            query,
            content_type,
            ..GET
        });
        assert_eq!(kind, ExistingKind::Post(content));
    }
}

#[test]
fn jsonp_is_ignored_when_switched_off() {
    let plain = get("EIO=3&transport=polling&b64=1");
    assert_eq!(get("EIO=3&transport=polling&b64=1&j=0"), plain);
}

#[test]
fn a_transport_that_is_not_served_is_unknown_with_and_without_a_session() {
    for (transports, transport) in [
        (Transports::Polling, "websocket"),
        (Transports::WebSocket, "polling"),
    ] {
        let config = Config {
            transports,
            ..Config::default()
        };
        for sid in ["", "&sid=x"] {
            let query = &format!("EIO=4&transport={transport}{sid}");
            let parsed = EngineRequest::parse(&RequestHead { query, ..GET }, &config);
            assert_eq!(parsed, Err(TransportUnknown), "{query}");
        }
    }
}
