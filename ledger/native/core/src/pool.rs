//! Work on all cores. A forked child has none of its parent's threads, so each process id has a pool of its own.

use std::sync::{Arc, Mutex, OnceLock};

use rayon::{ThreadPool, ThreadPoolBuilder};

/// A pool and the process id that it is of.
type Held = Option<(u32, Arc<ThreadPool>)>;

static POOL: OnceLock<Mutex<Held>> = OnceLock::new();

fn pool() -> Option<Arc<ThreadPool>> {
    let process = std::process::id();
    let mut held = POOL.get_or_init(|| Mutex::new(None)).lock().ok()?;
    match held.as_ref() {
        Some((owner, pool)) if *owner == process => Some(Arc::clone(pool)),
        _ => {
            let pool = Arc::new(ThreadPoolBuilder::new().num_threads(threads()).build().ok()?);
            if let Some((_, inherited)) = held.replace((process, Arc::clone(&pool))) {
                // Its threads are the parent's: dropping it would wait for them for ever.
                std::mem::forget(inherited);
            }
            Some(pool)
        }
    }
}

/// Return how many threads work in parallel: the cores that this process may use.
#[must_use]
pub fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Run `work` inside this process's pool, where `rayon` spreads what it is given; on this thread where `parallel` is
/// false or no pool can be made.
pub fn run<T: Send>(parallel: bool, work: impl FnOnce() -> T + Send) -> T {
    if parallel
        && threads() > 1
        && let Some(pool) = pool()
    {
        return pool.install(work);
    }
    work()
}
