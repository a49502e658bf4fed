/** Languages offered for translation, as BCP 47 tags. */
export const LANGUAGES =
  'ar bn cs da de el en es fa fi fr he hi id it ja ko nb nl pl pt ru sv th tr uk vi zh-Hans zh-Hant'.split(' ');
