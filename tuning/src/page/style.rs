//! How pages look, and how text becomes HTML.

/// The style sheet of a page.
pub const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:#1c1e21}\
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}pre{background:#f4f5f7;padding:1rem;overflow-x:auto;font-size:13px}\
table{border-collapse:collapse;font-size:13px}td,th{text-align:left;vertical-align:top;padding:.25rem .6rem;border-bottom:1px solid #ddd}\
td.poor,td.refused{color:#c0392b;font-weight:600}td.improvable{color:#1f618d}td.good{color:#1e8449}\
svg{width:100%;height:auto}svg text{font:12px system-ui,sans-serif;fill:#444}";

/// Text as it stands in HTML.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
