//! The `mainspring` program: everything it does is in the library beside it, where tests can reach it.

/// Many small, short-lived buffers per tick: mimalloc is measurably faster there than the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    server::run()
}
