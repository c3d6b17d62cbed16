//! The packets and payloads that every codec gets.

/// An event with an argument of so many bytes, as Socket.IO text.
pub fn event(size: usize) -> String {
    format!(r#"2["echo","{}"]"#, "x".repeat(size))
}

/// An event whose one argument is an object with numbers, strings and a list: about 1 KiB.
pub fn object_event() -> String {
    let values: Vec<String> = (0..20)
        .map(|number| format!(r#"{{"key":"k{number}","value":"{number}.5","ok":true}}"#))
        .collect();
    format!(r#"2["values",[{}]]"#, values.join(","))
}

/// Ten events in a body of revision 4.
pub fn payload_v4() -> String {
    let packets: Vec<String> = (0..10).map(|_| format!("4{}", event(16))).collect();
    packets.join("\u{1e}")
}

/// The same in text of revision 3.
pub fn payload_v3() -> String {
    let packet = format!("4{}", event(16));
    format!("{}:{packet}", packet.len()).repeat(10)
}
