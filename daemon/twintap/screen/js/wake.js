// The screen stays awake while a view wants it to, where the browser lets it.

/** Keeps the screen awake until the function that it gives is called. `told(works)`: whether it does. */
export function stayAwake(told = () => {}) {
  let lock = null;
  let isWanted = true;

  async function take() {
    if (!isWanted || document.hidden || (lock && !lock.released)) return;
    if (!navigator.wakeLock) {
      told(false);
      return;
    }
    try {
      lock = await navigator.wakeLock.request("screen");
      told(true);
      if (!isWanted) await lock.release();
    } catch (error) {
      // A low battery, or a page that is just being hidden: it is tried again with the next touch or look.
      if (!(error instanceof DOMException)) throw error;
      told(false);
    }
  }

  // It is lost whenever the page is hidden.
  document.addEventListener("visibilitychange", take);
  document.addEventListener("pointerdown", take);
  take();
  return () => {
    isWanted = false;
    document.removeEventListener("visibilitychange", take);
    document.removeEventListener("pointerdown", take);
    lock?.release().catch(() => {});
  };
}
