//! `corelog tune report`: what the check and the probe found, as a page.

use std::io;

use corelog_tuning::check::{Check, Report};
use corelog_tuning::page::report;
use corelog_tuning::probe::properties::{Properties, Unusable};
use corelog_tuning::tunables::list;

use super::arguments::TuneReportArguments;
use super::run::host;
use crate::cli::failure::Failure;
use crate::cli::output::Output;

/// Looks, reads what the probe wrote, and writes the page.
pub fn report(arguments: &TuneReportArguments, output: &mut Output) -> Result<(), Failure> {
    let host = host(&arguments.host);
    let checks: Vec<Check> = list::check_all(&host);
    let properties = match Properties::load(&host) {
        Ok(properties) => Some(properties),
        Err(Unusable::Missing) => None,
        Err(unusable) => {
            tracing::warn!("{unusable}; the page goes without it");
            None
        }
    };
    let page = report::render(&Report::new(&host, &checks), properties.as_ref());
    let Some(path) = &arguments.out else { return output.bytes(page.as_bytes()) };
    let of_file = |error: io::Error| Failure::new(format!("cannot write {}: {error}", path.display()));
    corelog_tuning::data_dir::replace(path, page.as_bytes()).map_err(of_file)?;
    output.line(format_args!("written to {}", path.display()))
}
