// A phone's camera, held to the screen: reads a QR code out of a picture of it.

import jsQR from "jsqr";

// What a code says on a light and on a dark screen; null where it cannot be read.
export async function scan(code) {
  const page = code.page();
  const read = [];
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    const picture = await code.screenshot();
    const { width, height, pixels } = await page.evaluate(decode, picture.toString("base64"));
    read.push(jsQR(new Uint8ClampedArray(pixels), width, height, { inversionAttempts: "dontInvert" })?.data ?? null);
  }
  await page.emulateMedia({ colorScheme: null });
  return read;
}

// In the page: it has a decoder for pictures.
async function decode(base64) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.codePointAt(0));
  const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const { width, height } = bitmap;
  const canvas = new OffscreenCanvas(width, height).getContext("2d");
  canvas.drawImage(bitmap, 0, 0);
  return { width, height, pixels: [...canvas.getImageData(0, 0, width, height).data] };
}
