//! Turns panics of the decoder into errors: a damaged file must never end the process.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use parquet::errors::ParquetError;

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

static HOOK: Once = Once::new();

/// Runs `work` of the decoder and gives its error, or its panic, as text.
///
/// The decoder checks most of what it reads, not all of it: an index out of a damaged page may panic. `work` must not wait for other
/// tasks of the thread pool, whose panics would then be swallowed here.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, String> {
    HOOK.call_once(silence_guarded_threads);
    let outer = GUARDED.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(outer);
    match outcome {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(plain_words(&error)),
        Err(payload) => {
            let place = PLACE.take();
            Err(format!("the decoder gave up on it ({}{place})", panic_text(payload.as_ref())))
        }
    }
}

/// Keeps the panic hook from writing to stderr about panics that become errors.
fn silence_guarded_threads() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if GUARDED.get() {
            let place = info.location().map(|at| format!(", {}:{}", file_name(at.file()), at.line())).unwrap_or_default();
            PLACE.set(place);
        } else {
            usual(info);
        }
    }));
}

fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (None, Some(text)) => text.as_str(),
        (None, None) => "no reason given",
    };
    text.replace('\n', " ")
}

/// The decoder's error without the name of its kind, on one line.
fn plain_words(error: &ParquetError) -> String {
    let text = match error {
        ParquetError::General(text) | ParquetError::EOF(text) | ParquetError::ArrowError(text) => text.clone(),
        ParquetError::NYI(text) => format!("not supported: {text}"),
        other => other.to_string(),
    };
    let text = text.replace('\n', " ");
    let mut words = text.trim().trim_end_matches('.');
    // Each layer of the decoder puts the name of its error type in front.
    while let Some(rest) = LAYERS.iter().find_map(|layer| words.strip_prefix(layer)) {
        words = rest;
    }
    words.to_string()
}

const LAYERS: [&str; 5] = ["External: ", "Parquet argument error: ", "Parquet error: ", "Arrow: ", "EOF: "];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_and_panics_become_text() {
        assert_eq!(guarded(|| Ok(7)), Ok(7));
        assert_eq!(guarded::<()>(|| Err(ParquetError::General("bad\npage.".into()))), Err("bad page".to_string()));
        let text = guarded::<()>(|| panic!("index {} out of range", 3)).unwrap_err();
        assert!(text.starts_with("the decoder gave up on it (index 3 out of range, guard.rs:"), "{text}");
    }
}
