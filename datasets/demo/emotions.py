"""The seven emotions and the two languages of the demo, in the order that everything here keeps."""

EMOTIONS = ("neutral", "happy", "sad", "angry", "fear", "surprise", "disgust")
LANGUAGES = ("en", "ko")
