//! Transparent huge pages: for those who ask, not for everybody.

use crate::change::{Change, shown};
use crate::check::{About, Check, Tunable, Verdict};
use crate::host::Host;
use crate::root::Obstacle;

static ABOUT: About = About {
    name: "transparent-huge-pages",
    why: "with `always` the kernel stops a thread to join its pages, and memory grows past its budget",
    effect: "fewer pauses of a millisecond and more at the 99.99th percentile, less memory",
};
const PATH: &str = "/sys/kernel/mm/transparent_hugepage/enabled";

/// The tunable.
pub const TUNABLE: Tunable = Tunable { about: &ABOUT, look };

fn look(host: &Host) -> Result<Check, Obstacle> {
    let text = host.root.read(PATH)?;
    let mode = shown(&text);
    let verdict = match mode.as_str() {
        "madvise" | "never" => Verdict::Good,
        "always" => Verdict::Poor,
        _ => return Err(Obstacle::unparsable(PATH, &text)),
    };
    let check = Check::new(&ABOUT, verdict, mode, "madvise or never");
    if verdict == Verdict::Good { Ok(check) } else { Ok(check.change(Change::at_boot(host, PATH, "madvise")?)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::tree::Tree;

    #[test]
    fn the_chosen_mode_decides() {
        let tree = Tree::new(&[(PATH, "[always] madvise never\n")]);
        let check = TUNABLE.check(&Host::at(&tree));
        assert_eq!((check.verdict, check.changes[0].to.as_str()), (Verdict::Poor, "madvise"));
        assert_eq!(check.undo(), [format!("echo always | sudo tee {PATH}")]);
        for (text, verdict) in [
            ("always [madvise] never", Verdict::Good),
            ("always madvise [never]", Verdict::Good),
            ("always madvise never", Verdict::Unknown),
        ] {
            tree.write(PATH, text);
            assert_eq!(TUNABLE.check(&Host::at(&tree)).verdict, verdict, "{text}");
        }
    }
}
