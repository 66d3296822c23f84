//! Spectra: windows, transforms, columns of power, and the scales that they are shown on.

pub mod scale;
