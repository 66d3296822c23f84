//! Compiles the kernels of a GPU, where the feature `cuda` asks for them.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/gpu/kernels.cu");
    #[cfg(feature = "cuda")]
    kernels();
}

#[cfg(feature = "cuda")]
#[expect(clippy::expect_used, reason = "without kernels there is nothing to build")]
fn kernels() {
    // As candle compiles its own: for the card of this machine, or that of CUDA_COMPUTE_CAP.
    cudaforge::KernelBuilder::new()
        .source_files(vec!["src/gpu/kernels.cu"])
        .arg("-std=c++17")
        .arg("-O3")
        .build_ptx()
        .expect("nvcc compiles src/gpu/kernels.cu");
}
