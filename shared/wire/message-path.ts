/** Where messages are received: `/hotspare/v1/<message>`. */
export const MESSAGE_PATH = "/hotspare/v1/";
