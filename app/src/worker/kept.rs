//! A few things that take a while to make, kept for the next time.

/// How many are kept.
const MOST: usize = 4;

/// Most recently used last; the one used longest ago goes first.
pub struct Kept<T>(Vec<T>);

impl<T> Default for Kept<T> {
    fn default() -> Kept<T> {
        Kept(Vec::new())
    }
}

impl<T> Kept<T> {
    /// Takes the one that fits, to be used and put back; makes it where there is none.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn take<E>(
        &mut self,
        fits: impl Fn(&T) -> bool,
        make: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        match self.0.iter().position(fits) {
            Some(at) => Ok(self.0.remove(at)),
            None => make(),
        }
    }

    /// Keeps one.
    pub fn put(&mut self, used: T) {
        self.0.push(used);
        if self.0.len() > MOST {
            self.0.remove(0);
        }
    }
}
