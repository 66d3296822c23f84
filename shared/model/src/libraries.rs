//! What training asks of the libraries that it computes with, which know nothing of one another.
#![cfg_attr(
    any(windows, target_os = "linux"),
    expect(
        unsafe_code,
        reason = "the environment and the C library's heap belong to the whole process"
    )
)]

/// How many threads candle goes through large tensors by.
#[cfg(any(windows, target_os = "linux"))]
const CANDLE_THREADS: &str = "CANDLE_NUM_THREADS";

/// Keeps candle from computing on large tensors, value by value, by threads of its own: they wait in loops, and beside pieces of a batch
/// that take all processors they take a third of the time from those that they wait for. What a person said by
/// `CANDLE_NUM_THREADS` holds.
///
/// To be called first of all in a program. Where there is more than one thread already nothing is changed, and
/// neither is it on systems that don't tell.
pub fn keep_candle_to_its_caller() {
    #[cfg(any(windows, target_os = "linux"))]
    if std::env::var_os(CANDLE_THREADS).is_none() && is_alone() {
        // SAFETY: no other thread is there to read the environment meanwhile; on Windows one may.
        unsafe { std::env::set_var(CANDLE_THREADS, "1") };
    }
}

#[cfg(windows)]
fn is_alone() -> bool {
    true
}

#[cfg(target_os = "linux")]
fn is_alone() -> bool {
    std::fs::read_dir("/proc/self/task").is_ok_and(|threads| threads.count() == 1)
}

/// The top of the heap that stays with the program, bytes: as much as the C library can be told.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const KEPT_BYTES: i32 = i32::MAX;

/// From now on freed memory stays with the program, for the next step: the GNU C library gives large pieces back to
/// the system at once, and takes them anew, so that the system fills each of their pages with zeros, step after step,
/// for a fifth of the time. Elsewhere than on Linux with that library nothing is changed.
///
/// For programs that do nothing but train. To be called before there is a second thread, which would have a heap of
/// its own: else nothing is changed.
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    if is_alone() {
        for (parameter, value) in [
            // No pieces beside the heap, and one heap.
            (libc::M_MMAP_MAX, 0),
            (libc::M_ARENA_MAX, 1),
            (libc::M_TRIM_THRESHOLD, KEPT_BYTES),
        ] {
            // SAFETY: no other thread allocates meanwhile; a parameter that is not known is refused.
            unsafe { libc::mallopt(parameter, value) };
        }
    }
}
