//! What devices can do, in the tiers that matter here.

/// Complex points of 8 bytes in a workgroup's memory; two real samples in each.
const BYTES_A_SAMPLE: u32 = 4;
/// Longest transform that the kernels are written for.
const LONGEST_FFT: usize = 4096;
/// Shortest one: eight threads of four points.
const SHORTEST_FFT: usize = 64;

/// Classes of devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// WebGPU's default limits or better: every FFT from 64 to 4096 points.
    Full,
    /// Less workgroup memory or fewer invocations (older phones): shorter FFTs only.
    Short,
    /// Too little even for 64 points.
    Unsuitable,
}

/// What one device can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceCaps {
    /// Its class.
    pub tier: Tier,
    /// Longest FFT, points; a power of two, 0 where it is unsuitable.
    pub longest_fft: usize,
    /// Largest buffer that a kernel can see, bytes.
    pub largest_buffer: u64,
    /// Workgroups in one dimension of a dispatch.
    pub workgroups: u32,
}

impl DeviceCaps {
    /// Reads them from the limits of a device.
    pub fn of(limits: &wgpu::Limits) -> DeviceCaps {
        let memory = limits.max_compute_workgroup_storage_size / BYTES_A_SAMPLE;
        let invocations =
            limits.max_compute_invocations_per_workgroup.min(limits.max_compute_workgroup_size_x);
        let fits = |fft: usize| memory as usize >= fft && invocations >= threads(fft);
        let mut longest_fft = LONGEST_FFT;
        while longest_fft >= SHORTEST_FFT && !fits(longest_fft) {
            longest_fft /= 2;
        }
        let tier = match longest_fft {
            LONGEST_FFT => Tier::Full,
            n if n >= SHORTEST_FFT => Tier::Short,
            _ => Tier::Unsuitable,
        };
        DeviceCaps {
            tier,
            longest_fft: if tier == Tier::Unsuitable { 0 } else { longest_fft },
            largest_buffer: limits.max_storage_buffer_binding_size.min(limits.max_buffer_size),
            workgroups: limits.max_compute_workgroups_per_dimension,
        }
    }

    /// Whether a transform of this length can run here.
    pub fn can_transform(&self, fft_size: usize) -> bool {
        fft_size.is_power_of_two() && (SHORTEST_FFT..=self.longest_fft).contains(&fft_size)
    }
}

/// Threads that share one transform: four complex points each at least, eight real samples.
pub(crate) fn threads(fft_size: usize) -> u32 {
    (fft_size / 8).min(256) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_limits_hold_4096_points_and_less_memory_holds_fewer() {
        let full = DeviceCaps::of(&wgpu::Limits::default());
        assert_eq!((full.tier, full.longest_fft), (Tier::Full, 4096));
        assert!(full.can_transform(64) && full.can_transform(4096));
        assert!(!full.can_transform(8192) && !full.can_transform(1000) && !full.can_transform(32));
        let phone = wgpu::Limits {
            max_compute_workgroup_storage_size: 8192,
            max_compute_invocations_per_workgroup: 128,
            ..wgpu::Limits::default()
        };
        let phone = DeviceCaps::of(&phone);
        assert_eq!((phone.tier, phone.longest_fft), (Tier::Short, 1024));
        let none =
            wgpu::Limits { max_compute_workgroup_storage_size: 0, ..wgpu::Limits::default() };
        assert_eq!(DeviceCaps::of(&none).tier, Tier::Unsuitable);
    }
}
