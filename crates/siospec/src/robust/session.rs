//! Many sessions and upgrades that go wrong halfway.

use crate::case::{Case, Check, Group, Layer};
use crate::elapsed::SLACK;
use crate::peer::Peer;
use crate::peer::engineio::Dialect;

use super::flood::bystander;

pub(crate) static GROUP: Group = Group {
    id: "robust/session",
    title: "Abandoned upgrades",
    layer: Layer::Engine,
    needs: &[],
    cases: CASES,
};

const CASES: &[Case] = &[
    Case::must("S66", "EIO4 2.10")
        .title("a refused request consumes no packet")
        .run(|peer| {
            let session = peer.open(Dialect::V4)?;
            session.send(&["4kept"])?;
            peer.get(&session.websocket_query())?.expect_code(3)?;
            let other = session.query().replace("EIO=4", "EIO=3");
            peer.get(&other)?.expect_status(400)?;
            peer.request(&peer.requesting("PUT", &session.query()))?;
            session.expect(&["4kept"])
        }),
    Case::must("S70", "EIO4 2.10")
        .title("200 probes without an end are freed")
        .run(|peer| {
            let mut sids = Vec::new();
            for _ in 0..200 {
                let session = peer.open(Dialect::V4)?;
                let mut socket = session.websocket()?;
                socket.send("2probe")?;
                socket.expect("3probe")?;
                socket.abort();
                sids.push(session.handshake.sid.clone());
            }
            bystander(peer)?;
            peer.wait(peer.target.timings.silence() + SLACK);
            sids.iter()
                .try_for_each(|sid| peer.expect_unknown(Dialect::V4, sid))
        }),
    Case::must("S73", "EIO4 2.10")
        .title("the client may vanish at any point of the upgrade")
        .run(|peer| {
            (0..5).try_for_each(|point| vanishes(peer, point))?;
            bystander(peer)
        }),
];

/// Goes through an upgrade and drops everything after `steps` steps; the session ends in time.
fn vanishes(peer: &Peer, steps: usize) -> Check {
    let session = peer.open(Dialect::V4)?;
    let poll = session.start_poll()?;
    if steps > 0 {
        let mut socket = session.websocket()?;
        let packets = ["2probe", "5", "4hello"];
        packets
            .iter()
            .take(steps - 1)
            .try_for_each(|packet| socket.send(packet))?;
        socket.abort();
    }
    poll.abort();
    peer.wait(peer.target.timings.silence() + SLACK);
    peer.expect_unknown(Dialect::V4, session.sid())
}
