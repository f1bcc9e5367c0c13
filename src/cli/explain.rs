//! `counterfoil explain`: what a rule finds, why it matters, an example, what to do.

use anyhow::Result;
use clap::Args;
use counterfoil_kernel::rules::CATALOGUE;

use crate::fault::{Cause, Fault};

/// Arguments of `counterfoil explain`.
#[derive(Clone, Debug, Args)]
pub struct ExplainArgs {
    /// A code, such as SER001; without one, all rules are listed.
    pub code: Option<String>,
}

/// Runs the command and gives its exit code.
///
/// # Errors
/// When there is no such rule.
pub fn run(args: &ExplainArgs) -> Result<u8> {
    let text = match &args.code {
        None => CATALOGUE
            .iter()
            .map(|rule| format!("{}  {:<8}  {:<30}  {}\n", rule.code, rule.severity.name(), rule.name, rule.about()))
            .collect(),
        Some(code) => explain(code)?,
    };
    super::print(text.as_bytes())?;
    Ok(0)
}

fn explain(code: &str) -> Result<String> {
    let wanted = code.to_uppercase();
    let Some(rule) = CATALOGUE.iter().find(|rule| rule.code == wanted || rule.name.eq_ignore_ascii_case(code)) else {
        let nearest =
            CATALOGUE.iter().min_by_key(|rule| strsim::damerau_levenshtein(rule.code, &wanted)).expect("the catalogue holds rules");
        let text = format!("no rule {code}; did you mean {}? \"counterfoil explain\" lists all", nearest.code);
        return Err(Fault { cause: Cause::Usage, text }.into());
    };
    let needs: Vec<String> = rule.needs.iter().map(|need| need.lacking()).collect();
    let needs = if needs.is_empty() { String::new() } else { format!("Not evaluated with {}.\n\n", needs.join(", or with ")) };
    let documentation = format!("{}\n\n{}", rule.documentation.trim(), rule.parameters_markdown());
    Ok(format!("# {} {} ({})\n\n{needs}{}\n", rule.code, rule.name, rule.severity, documentation.trim_end()))
}
