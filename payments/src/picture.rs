//! A code as a picture: SVG for screens, PNG for printers and chats.

use qrcode::render::svg;
use qrcode::{Color, EcLevel, QrCode};

/// Modules of white around a code, as the standard asks for.
const QUIET: usize = 4;
/// Pixels of a module in a PNG: a code of a payment has some sixty of them, so it is about as wide as a phone.
const PIXELS: usize = 8;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    #[error("the text does not fit into a code")]
    Code(#[from] qrcode::types::QrError),
    #[error("the picture cannot be written")]
    Png(#[from] png::EncodingError),
}

impl domain::Hint for PictureError {
    fn hint(&self) -> Option<String> {
        Some("only texts that `domain::qris` has read make codes".to_owned())
    }
}

fn code(text: &str) -> Result<QrCode, PictureError> {
    Ok(QrCode::with_error_correction_level(text, EcLevel::M)?)
}

/// Scales to any size.
///
/// # Errors
/// [`PictureError`].
pub fn svg(text: &str) -> Result<String, PictureError> {
    Ok(code(text)?.render::<svg::Color<'_>>().quiet_zone(true).min_dimensions(256, 256).build())
}

/// Black and white, one bit a pixel.
///
/// # Errors
/// [`PictureError`].
pub fn png(text: &str) -> Result<Vec<u8>, PictureError> {
    let code = code(text)?;
    let (width, modules) = (code.width(), code.to_colors());
    let side = (width + 2 * QUIET) * PIXELS;
    // A row is the same for all pixels of its modules.
    let row = |line: usize| -> Vec<u8> {
        let is_dark = |pixel: usize| {
            let (x, y) = ((pixel / PIXELS).wrapping_sub(QUIET), line.wrapping_sub(QUIET));
            x < width && y < width && modules[y * width + x] == Color::Dark
        };
        (0..side / 8).map(|byte| (0..8).fold(0, |bits, bit| bits << 1 | u8::from(!is_dark(byte * 8 + bit)))).collect()
    };
    let pixels: Vec<u8> = (0..width + 2 * QUIET).flat_map(|line| row(line).repeat(PIXELS)).collect();
    let mut bytes = Vec::new();
    let side = u32::try_from(side).unwrap_or(u32::MAX);
    let mut encoder = png::Encoder::new(&mut bytes, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By another's hand.
    fn scanned(width: usize, height: usize, grey: impl FnMut(usize, usize) -> u8) -> String {
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, grey);
        let grids = image.detect_grids();
        assert_eq!(grids.len(), 1, "one code");
        grids[0].decode().expect("a code").1
    }

    const TEXT: &str = "00020101021226570013CO.XENDIT.WWW0118936009180000000001020300003UMI520458125303360540525000\
                        5802ID5913WARUNG CONTOH6007BANDUNG61054011162290525019abc8f7c2a0123456789abcd6304ABCD";

    #[test]
    fn a_png_can_be_scanned() {
        let bytes = png(TEXT).expect("a picture");
        let mut reader = png::Decoder::new(std::io::Cursor::new(&bytes)).read_info().expect("a PNG");
        let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
        let info = reader.next_frame(&mut pixels).expect("a frame");
        let (width, stride) = (info.width as usize, info.line_size);
        let read = scanned(width, info.height as usize, |x, y| if pixels[y * stride + x / 8] >> (7 - x % 8) & 1 == 1 { 255 } else { 0 });
        assert_eq!(read, TEXT);
        assert!(bytes.len() < 10_000, "{} bytes", bytes.len());
    }

    #[test]
    fn an_svg_is_one_path_of_the_same_modules() {
        let picture = svg(TEXT).expect("a picture");
        assert!(picture.contains("<svg") && picture.matches("<path").count() == 1, "{picture}");
        let code = code(TEXT).expect("a code");
        // Each dark run begins with a move.
        let dark = code.to_colors().iter().filter(|color| **color == Color::Dark).count();
        let moves = picture.matches('M').count();
        assert!(moves > 0 && moves <= dark, "{moves} moves for {dark} modules");
    }

    #[test]
    fn a_text_that_is_too_long_is_told() {
        assert!(matches!(png(&"x".repeat(5_000)), Err(PictureError::Code(_))));
    }
}
