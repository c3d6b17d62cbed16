//! How clients come in: transports, revisions, namespaces.

use serde_json::Value;

use crate::{polling::Polling, server::Running, socket::Socket};

// Contract 1
#[tokio::test]
async fn a_session_polls_first_and_goes_on_by_websocket() {
    let server = Running::start().await;
    let guest = server.guest().await;
    for revision in [3, 4] {
        let mut polling = Polling::session(server.address, revision).await;
        if revision == 3 {
            assert_eq!(polling.next().await, "0");
        }
        polling.send("0/v2,").await;
        assert!(polling.next().await.starts_with("0/v2,"));
        let session = &guest.session;
        let credentials = format!(r#"2/v2,["authenticate",{{"sessionToken":"{session}"}}]"#);
        polling.send(&credentials).await;
        let logged_in = r#"2/v2,["authenticate",{"status":"success"}]"#;
        assert_eq!(polling.next().await, logged_in);
        let mut socket = polling.upgrade().await;
        socket.subscribe("/me/resources/a").await;
        server.write(&guest.thing, "a", "1").await;
        assert_eq!(socket.values("/me/resources/a").await[0]["value"], 1);
    }
    server.stop().await;
}

// Contract 2
#[tokio::test]
async fn revisions_that_are_known_and_not() {
    let server = Running::start().await;
    let open = async |query: &str| {
        let path = format!("/socket.io/?transport=polling{query}");
        server.call("GET", &path, "", "").await
    };
    for old in ["", "&EIO=2", "&EIO=3"] {
        let answer = open(old).await;
        // Revision 3 counts its packets, revision 4 does not.
        assert!(answer.body.contains(":0{"), "{old}: {answer:?}");
    }
    assert!(open("&EIO=4").await.body.starts_with("0{"));
    for unknown in ["&EIO=5", "&EIO=1", "&EIO=", "&EIO=4a"] {
        let answer = open(unknown).await;
        assert_eq!(answer.status, 400, "{unknown}");
        assert!(
            answer.body.starts_with(r#"{"code":5,"#),
            "{unknown}: {answer:?}"
        );
    }
    server.stop().await;
}

// Contract 3
#[tokio::test]
async fn the_root_does_nothing_and_other_namespaces_are_the_protocols_business() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let refusals = [
        (3, r#"4/other,"Invalid namespace""#),
        (4, r#"4/other,{"message":"Invalid namespace"}"#),
    ];
    for (revision, refusal) in refusals {
        let mut socket = Socket::session(server.address, revision).await;
        if revision == 4 {
            socket.send("0").await;
        }
        assert!(socket.next().await.starts_with('0'));
        let session = &guest.session;
        let credentials = format!(r#"21["authenticate",{{"sessionToken":"{session}"}}]"#);
        socket.send(&credentials).await;
        socket
            .send(r#"22["subscribe",{"resource":"/me/resources/a"}]"#)
            .await;
        server.write(&guest.thing, "a", "1").await;
        // Nothing has been answered before this, not even the acks.
        socket.send("0/other,").await;
        socket.expect(refusal).await;
    }
    server.stop().await;
}

// Contract 32
#[tokio::test]
async fn no_state_is_recovered() {
    let server = Running::start().await;
    let mut socket = Socket::session(server.address, 4).await;
    // As a client comes back that has been offered it.
    socket.send(r#"0/v2,{"pid":"p","offset":"o"}"#).await;
    let connected = socket.next().await;
    let connected: Value = serde_json::from_str(&connected["0/v2,".len()..]).unwrap();
    let fields: Vec<_> = connected.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["sid"]);
    server.stop().await;
}
