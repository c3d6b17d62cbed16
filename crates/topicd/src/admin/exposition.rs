//! `/metrics`: the counters, and figures that are looked up when somebody asks.

use std::{fmt, sync::Arc};

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use engineio::OpenSessions;
use http::{StatusCode, header};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, text},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Registry,
};
use socketio::Stats;

use super::Admin;
use crate::hub::{Audience, Channel};

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Looks figures up when they are asked for.
struct Figures(Arc<Admin>);

#[derive(Debug, EncodeLabelSet)]
struct Kind {
    revision: u8,
    transport: &'static str,
}

#[derive(Debug, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

#[derive(Debug, EncodeLabelSet)]
struct Topic {
    topic: &'static str,
}

pub(super) async fn metrics(State(admin): State<Arc<Admin>>) -> Response {
    let mut registry = Registry::with_prefix("topicd");
    admin.metrics.register(&mut registry);
    registry.register_collector(Box::new(Figures(admin)));
    let mut body = String::new();
    match text::encode(&mut body, &registry) {
        Ok(()) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], body).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

impl Collector for Figures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let admin = &self.0;
        let stats = admin.realtime.io().stats();
        sessions(&mut encoder, &stats.engine)?;
        sockets(&mut encoder, &stats)?;
        subscriptions(&mut encoder, &admin.hub.audiences())?;
        gauge(
            &mut encoder,
            "queue_bytes",
            "Bytes that wait to be sent to sockets",
            admin.realtime.queued_bytes() as u64,
        )?;
        gauge(
            &mut encoder,
            "store_bytes",
            "Bytes of the store on disk",
            admin.store.size(),
        )?;
        gauge(
            &mut encoder,
            "draining",
            "1 while the server ends",
            u64::from(admin.lifecycle.is_draining()),
        )
    }
}

impl fmt::Debug for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Figures")
    }
}

fn sessions(encoder: &mut DescriptorEncoder<'_>, stats: &engineio::Stats) -> fmt::Result {
    let about = "Open sessions by Engine.IO revision and transport";
    let mut family = encoder.encode_descriptor("sessions", about, None, MetricType::Gauge)?;
    for OpenSessions {
        version,
        transport,
        count,
        ..
    } in &stats.sessions
    {
        let kind = Kind {
            revision: version.number(),
            transport: transport.as_str(),
        };
        let count = ConstGauge::new(*count as u64);
        count.encode(family.encode_family(&kind)?)?;
    }
    let about = "Sessions that were opened";
    let opened = ConstCounter::new(stats.opened);
    let family = encoder.encode_descriptor("sessions_opened", about, None, opened.metric_type())?;
    opened.encode(family)?;
    let about = "Sessions that ended, by reason";
    by_reason(encoder, "sessions_closed", about, &stats.closed)?;
    let about = "Requests for sessions that were refused, by reason";
    by_reason(encoder, "refusals", about, &stats.refused)
}

fn sockets(encoder: &mut DescriptorEncoder<'_>, stats: &Stats) -> fmt::Result {
    let about = "Sessions that ended for what their client said in Socket.IO, by reason";
    by_reason(encoder, "violations", about, &stats.violations)?;
    let about = "Joins and other things of Socket.IO that were refused, by reason";
    by_reason(encoder, "socket_refusals", about, &stats.refused)
}

fn by_reason<'a>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    about: &str,
    counts: impl IntoIterator<Item = (&'a &'static str, &'a u64)>,
) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, about, None, MetricType::Counter)?;
    for (&reason, &count) in counts {
        let count = ConstCounter::new(count);
        count.encode(family.encode_family(&Reason { reason })?)?;
    }
    Ok(())
}

fn subscriptions(encoder: &mut DescriptorEncoder<'_>, audiences: &[Audience]) -> fmt::Result {
    let count = |of: fn(&Audience) -> usize| {
        let (mut things, mut resources) = (0, 0);
        for audience in audiences {
            match audience.channel {
                Channel::Thing(_) => things += of(audience),
                Channel::Resource(..) => resources += of(audience),
            }
        }
        [("thing", things), ("resource", resources)]
    };
    let sockets = count(|audience| audience.sockets);
    let about = "Subscriptions of sockets by kind of topic";
    by_topic(encoder, "subscriptions", about, sockets)?;
    let streams = count(|audience| audience.streams);
    let about = "HTTP streams by kind of topic";
    by_topic(encoder, "streams", about, streams)
}

fn by_topic(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    about: &str,
    counts: [(&'static str, usize); 2],
) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, about, None, MetricType::Gauge)?;
    for (topic, count) in counts {
        let count = ConstGauge::new(count as u64);
        count.encode(family.encode_family(&Topic { topic })?)?;
    }
    Ok(())
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, about: &str, value: u64) -> fmt::Result {
    let gauge = ConstGauge::new(value);
    gauge.encode(encoder.encode_descriptor(name, about, None, gauge.metric_type())?)
}
