# Writes a file's bytes as a C array: cmake -DIN=FILE -DOUT=FILE.c -DNAME=identifier -P embed.cmake
# gives `const unsigned char NAME[]` and `const unsigned NAME_len`. With -DWITH=DIR the marks of a page
# are replaced first: /*SCENE*/ by DIR/scene.js, /*COLORS*/ by DIR/colors.css.
if(WITH)
    file(READ ${IN} text)
    file(READ ${WITH}/scene.js scene)
    file(READ ${WITH}/colors.css colors)
    string(REPLACE "/*SCENE*/" "${scene}" text "${text}")
    string(REPLACE "/*COLORS*/" "${colors}" text "${text}")
    file(WRITE ${OUT}.in "${text}")
    set(IN ${OUT}.in)
endif()
file(READ ${IN} hex HEX)
string(LENGTH "${hex}" digits)
math(EXPR bytes "${digits} / 2")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," body "${hex}")
string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)" "\\1\n" body "${body}")
file(WRITE ${OUT} "extern const unsigned char ${NAME}[];\nextern const unsigned ${NAME}_LEN;\n"
    "const unsigned char ${NAME}[] = {\n${body}0};\nconst unsigned ${NAME}_LEN = ${bytes};\n")
