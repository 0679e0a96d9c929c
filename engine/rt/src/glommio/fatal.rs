//! Ends the process.

use crate::fatal::Reason;
use std::io::Write;

#[expect(clippy::disallowed_methods, reason = "this is the one place that ends the process")]
pub(crate) fn exit(reason: Reason, message: &str) -> ! {
    let mut stderr = std::io::stderr().lock();
    // Nobody is left to tell if the standard error is closed.
    let _ = writeln!(stderr, "corelog: {reason}: {message} (exit code {})", reason.code());
    let _ = stderr.flush();
    std::process::exit(reason.code())
}
